# ---- lib/text: numbers, versions, and texts for terminals and for JSON

# is_number TEXT
is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# is_hex TEXT LENGTH: lower-case hex digits, so many
is_hex() {
    case $1 in '' | *[!0-9a-f]*) return 1 ;; esac
    [ "${#1}" -eq "$2" ]
}

# is_counter TEXT: a number of at most 15 digits, which every awk holds exactly
is_counter() {
    case $1 in 0?*) return 1 ;; esac
    is_number "$1" && [ "${#1}" -le 15 ]
}

# at_least VERSION WANTED: dotted numbers, missing parts are 0
at_least() {
    awk -v have="$1" -v want="$2" 'BEGIN {
        sub(/^v/, "", have)
        n = split(have, h, /[.+~-]/); m = split(want, w, /[.+~-]/)
        for (i = 1; i <= (n > m ? n : m); i++) {
            if (h[i] + 0 > w[i] + 0) exit 0
            if (h[i] + 0 < w[i] + 0) exit 1
        }
        exit 0
    }'
}

# below NUMBER OTHER: numbers with a decimal point, and beyond what a shell's own arithmetic holds
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'; }

# human BYTES: 1.5 GB
human() {
    awk -v bytes="$1" 'BEGIN {
        split("B kB MB GB TB", unit, " ")
        for (i = 1; bytes >= 1000 && i < 5; i++) bytes /= 1000
        printf (i == 1 ? "%.0f %s" : "%.1f %s"), bytes, unit[i]
    }'
}

# matches TEXT EXPRESSION: the whole text; an extended regular expression
matches() { printf '%s\n' "$1" | grep -Eqx -e "$2"; }

# show_plain: the first line of what came from elsewhere, for a terminal: no control characters, no marks of text direction
show_plain() {
    LC_ALL=C tr '\000-\011\013-\037\177' '?' | LC_ALL=C awk 'NR == 1 {
        gsub(/\302[\200-\237]|\330\234|\342\200[\216\217\252-\256]|\342\201[\246-\251]/, "?")
        print substr($0, 1, 300)
    }'
}

# is_text FILE: without a NUL
is_text() { [ "$1" = /dev/null ] || [ "$(tr -d '\000' <"$1" | wc -c)" -eq "$(wc -c <"$1")" ]; }

# json_string TEXT: quoted for JSON; ? for each byte that is not UTF-8 (RFC 3629, section 4)
json_string() {
    printf '%s' "$1" | LC_ALL=C awk '
        function utf8(text,   made) {
            while (match(text, /[\200-\377]/)) {
                made = made substr(text, 1, RSTART - 1); text = substr(text, RSTART)
                if (match(text, /^([\302-\337]|\340[\240-\277]|[\341-\354\356\357][\200-\277]|\355[\200-\237]|\360[\220-\277][\200-\277]|[\361-\363][\200-\277][\200-\277]|\364[\200-\217][\200-\277])[\200-\277]/)) {
                    made = made substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
                } else { made = made "?"; text = substr(text, 2) }
            }
            return made text
        }
        BEGIN { printf "\"" }
        NR > 1 { printf "\\n" }
        { $0 = utf8($0); gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/[\001-\037]/, " "); printf "%s", $0 }
        END { printf "\"" }'
}

# json_text TEXT: a string, or null for `-`
json_text() { if [ "$1" = - ]; then printf null; else json_string "$1"; fi; }

# ---- lib/text: numbers, versions, and texts for terminals and for JSON

# is_number TEXT
is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# is_hex TEXT LENGTH: exactly LENGTH lower-case hex digits
is_hex() {
    case $1 in '' | *[!0-9a-f]*) return 1 ;; esac
    [ "${#1}" -eq "$2" ]
}

# is_counter TEXT: a number of at most 15 digits, which every awk represents exactly
is_counter() {
    case $1 in 0?*) return 1 ;; esac
    is_number "$1" && [ "${#1}" -le 15 ]
}

# at_least VERSION WANTED: compare dotted numbers; missing parts are 0
at_least() {
    awk -v have="$1" -v want="$2" "$PROGRAM_LIB_VERSION"
}

# below NUMBER OTHER: compare numbers that may have a decimal point or exceed the range of the shell's arithmetic
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'; }

# human BYTES: 1.5 GB
human() {
    awk -v bytes="$1" 'BEGIN {
        split("B kB MB GB TB", unit, " ")
        for (i = 1; bytes >= 1000 && i < 5; i++) bytes /= 1000
        printf (i == 1 ? "%.0f %s" : "%.1f %s"), bytes, unit[i]
    }'
}

# matches TEXT EXPRESSION: whether the extended regular expression matches the whole text
matches() { printf '%s\n' "$1" | grep -Eqx -e "$2"; }

# show_plain: the first line of untrusted text, made safe for a terminal: no control characters, no marks of text direction
show_plain() {
    LC_ALL=C tr '\000-\011\013-\037\177' '?' | LC_ALL=C awk "$PROGRAM_LIB_MARKS"'NR == 1 { print substr(mask_marks($0), 1, 300) }'
}

# is_text FILE: whether it contains no NUL
is_text() { [ "$1" = /dev/null ] || [ "$(tr -d '\000' <"$1" | wc -c)" -eq "$(wc -c <"$1")" ]; }

# json_string TEXT: quoted for JSON, with ? for each byte that is not UTF-8 (RFC 3629, section 4)
json_string() {
    printf '%s' "$1" | LC_ALL=C awk "$PROGRAM_LIB_JSON"'
        BEGIN { printf "\"" }
        { printf "%s%s", (NR > 1 ? "\\n" : ""), escape_json($0) }
        END { printf "\"" }'
}

# json_text TEXT: a string, or null for `-`
json_text() { if [ "$1" = - ]; then printf null; else json_string "$1"; fi; }

# read_number OPTION VALUE: sets `number`, without leading zeros, which a shell would read as octal
read_number() {
    is_number "$2" || fail $EXIT_USAGE options.number "$1" "$2"
    number=$2
    while [ "${number#0}" != "$number" ] && [ "$number" != 0 ]; do number=${number#0}; done
    [ "${#number}" -le 9 ] || fail $EXIT_USAGE options.number "$1" "$2"
}

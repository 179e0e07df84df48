# ---- redact: text without secrets, for people who may not know them

# redact: standard input without the values of secrets, as they are and as other programs write them, without private
# keys, without passwords in addresses, and without what Compose sends to move a terminal's cursor
redact() {
    [ -f "$SCRATCH/secret-forms" ] || list_secret_forms
    awk -v forms="$SCRATCH/secret-forms" '
        BEGIN { while ((getline line < forms) > 0) form[++n] = line }
        {
            gsub(/\033\[[0-9;]*[A-Za-z]/, "")
            if (in_key) { if ($0 ~ /-----END[A-Z ]*PRIVATE KEY-----/) in_key = 0; else next }
            while (match($0, /-----BEGIN[A-Z ]*PRIVATE KEY-----/)) {
                head = substr($0, 1, RSTART - 1); tail = substr($0, RSTART + RLENGTH)
                if (match(tail, /-----END[A-Z ]*PRIVATE KEY-----/)) {
                    $0 = head "[private key]" substr(tail, RSTART + RLENGTH)
                } else { $0 = head "[private key]"; in_key = 1 }
            }
            for (i = 1; i <= n; i++) $0 = mask($0, form[i])
            rest = $0; done = ""
            while (match(rest, /:\/\/[^\/@: \t"]*:[^\/@ \t"]+@/)) {
                address = substr(rest, RSTART, RLENGTH)
                colon = 3 + index(substr(address, 4), ":")
                done = done substr(rest, 1, RSTART - 1) substr(address, 1, colon) "******@"
                rest = substr(rest, RSTART + RLENGTH)
            }
            print done rest
        }
        function mask(text, secret,   out, at) {
            while ((at = index(text, secret)) > 0) {
                out = out substr(text, 1, at - 1) "******"
                text = substr(text, at + length(secret))
            }
            return out text
        }'
}

# list_secret_forms: every form of every secret, the longest first, to a private file
list_secret_forms() {
    (
        umask 077
        : >"$SCRATCH/secret-forms.new"
        while IFS= read -r line || [ -n "$line" ]; do
            secret=${line#*=}
            [ "${#secret}" -lt 4 ] || print_forms "$secret"
        done 2>/dev/null <"$ROOT/secrets.env" >>"$SCRATCH/secret-forms.new"
        # one of stars alone goes first: later it would take the masks of others for itself
        awk 'length($0) >= 4 { print (/^\*+$/ ? 100000 : length($0)) "\t" $0 }' "$SCRATCH/secret-forms.new" | sort -rn | uniq | cut -f 2- >"$SCRATCH/secret-forms"
        rm -f "$SCRATCH/secret-forms.new"
    )
}

# print_forms SECRET: as it is, in addresses, in JSON, in hex, and in base64 wherever it stands in what was encoded
print_forms() {
    printf '%s\n' "$1"
    hex=$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')
    printf '%s\n' "$hex"
    printf '%s\n' "$hex" | tr a-f A-F
    printf '%s\n' "$hex" | awk '
        BEGIN {
            for (code = 33; code < 127; code++) plain[sprintf("%02x", code)] = sprintf("%c", code)
        }
        {
            for (i = 1; i < length($0); i += 2) {
                byte = substr($0, i, 2); shown = plain[byte]
                lower = lower (shown ~ /^[A-Za-z0-9._~-]$/ ? shown : "%" byte)
                upper = upper (shown ~ /^[A-Za-z0-9._~-]$/ ? shown : "%" toupper(byte))
            }
            print lower; print upper
        }'
    case $1 in *[\"\\/\&\<\>]*)
        printf '%s\n' "$1" | sed 's/[\\"]/\\&/g'
        printf '%s\n' "$1" | sed 's/[\\"/]/\\&/g'
        printf '%s\n' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
        printf '%s\n' "$1" | sed 's/&/\\u0026/g; s/</\\u003c/g; s/>/\\u003e/g'
        ;;
    esac
    # three bytes make four characters: there are three ways to stand in them; the ends also hold bits of neighbours
    for before in '' x xx; do
        whole=$(((${#before} + ${#hex} / 2) * 8 / 6))
        first=$(((${#before} * 8 + 5) / 6 + 1))
        [ $((whole - first)) -ge 4 ] || continue
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole"
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole" | tr '+/' '-_'
    done
}

# mask_values: NAME=VALUE lines, the names alone
mask_values() { sed 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1=******/'; }

# ---- lib/redaction: text without secrets, for people who may not know them

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
    local line secret
    (
        umask 077
        : >"$SCRATCH/secret-forms.new"
        while IFS= read -r line || [ -n "$line" ]; do
            secret=${line#*=}
            [ "${#secret}" -lt 4 ] || print_forms "$secret"
        done 2>/dev/null <"$ROOT/secrets.env" >>"$SCRATCH/secret-forms.new"
        # one of stars alone goes first: later it would take the masks of others for itself
        awk 'length($0) >= 4 { print (/^\*+$/ ? 100000 : length($0)) "\t" $0 }' "$SCRATCH/secret-forms.new" | sort -rn | uniq | sed "s/^[0-9]*$TAB//" >"$SCRATCH/secret-forms"
        rm -f "$SCRATCH/secret-forms.new"
    )
}

# print_forms SECRET: as it is, in addresses, in hex, as site/formats and other programs quote it, and in base64 wherever it stands in what was encoded
print_forms() {
    local hex before whole first
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
    printf '%s\n' "$1" | print_quoted
    # three bytes make four characters: there are three ways to stand in them; the ends also hold bits of neighbours
    for before in '' x xx; do
        whole=$(((${#before} + ${#hex} / 2) * 8 / 6))
        first=$(((${#before} * 8 + 5) / 6 + 1))
        [ $((whole - first)) -ge 4 ] || continue
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole"
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole" | tr '+/' '-_'
    done
}

# print_quoted: a line of standard input as JSON, YAML, TOML, nginx, properties, XML, HTML, shells, Compose and its env file
# write it in or without quotes
print_quoted() {
    awk '
        BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i; sq = "\047" }
        # quoted: a backslash before these characters; what is no text with \\u, with 1 also DEL, with 2 all but ASCII
        function quoted(text, characters, ascii, lower,   i, c, n, made) {
            for (i = 1; i <= length(text); i += wide) {
                n = rune(text, i); c = substr(text, i, wide)
                if (n < 128 && index(characters, c)) c = "\\" c
                else if (n == 9 || n == 12 || n == 13) c = "\\" (n == 9 ? "t" : n == 12 ? "f" : "r")
                else if (n < 32 || (ascii && n == 127) || (ascii > 1 && n > 127)) c = escaped(n, lower)
                made = made c
            }
            return made
        }
        function escaped(n, lower,   form) {
            form = lower ? "\\u%04x" : "\\u%04X"
            if (n < 65536) return sprintf(form, n)
            n -= 65536
            return sprintf(form, 55296 + int(n / 1024)) sprintf(form, 56320 + n % 1024)
        }
        function rune(text, place,   n, i) {
            n = code[substr(text, place, 1)]
            wide = n < 128 ? 1 : n < 224 ? 2 : n < 240 ? 3 : 4
            if (wide > 1) n = n % (wide == 2 ? 32 : wide == 3 ? 16 : 8)
            for (i = 1; i < wide; i++) n = n * 64 + code[substr(text, place + i, 1)] % 64
            return n
        }
        # changed: each of these characters as the list says it, which names them in turn
        function changed(text, characters, list,   i, c, at, made, part) {
            split(list, part, "|")
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1); at = index(characters, c)
                made = made (at ? part[at] : c)
            }
            return made
        }
        function backslashed(text, characters,   i, c, made) {
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                made = made (index(characters, c) ? "\\" c : c)
            }
            return made
        }
        {
            for (lower = 0; lower < 2; lower++) for (ascii = 0; ascii < 3; ascii++) {
                print quoted($0, "\"\\", ascii, lower)
                print quoted($0, "\"\\/", ascii, lower)
                print quoted($0, "\\", ascii, lower)
                print quoted($0, "\\=:#!", ascii, lower)
                print "\\" quoted($0, "\\", ascii, lower)
            }
            print backslashed($0, "\"\\$`"); print backslashed($0, "\\$`"); print backslashed($0, "\\"); print backslashed($0, "\\" sq)
            print changed($0, sq, sq sq); print changed($0, sq, sq "\\" sq sq); print changed($0, "$", "$$")
            print changed($0, "$\"\\", "${BUNDLE_DOLLAR}|${BUNDLE_QUOTE}|${BUNDLE_BACKSLASH}")
            print changed($0, "&<>\"" sq "\t\r", "&#38;|&#60;|&#62;|&#34;|&#39;|&#9;|&#13;")
            print changed($0, "&<>\"", "&amp;|&lt;|&gt;|&quot;"); print changed($0, "&<>", "&amp;|&lt;|&gt;")
            print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&#x27;"); print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&#39;")
            print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&apos;"); print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&#34;|&#39;")
            print changed($0, "&<>", "\\u0026|\\u003c|\\u003e"); print changed(quoted($0, "\"\\", 0, 1), "&<>", "\\u0026|\\u003c|\\u003e")
        }'
}

# mask_values: NAME=VALUE lines, the names alone
mask_values() { sed 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1=******/'; }

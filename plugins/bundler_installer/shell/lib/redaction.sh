# ---- lib/redaction: text without secrets, for readers who must not learn them

# redact: standard input without the values of secrets, both as they are and as other programs write them, without private
# keys, without passwords in addresses, and without the sequences by which Compose moves a terminal's cursor
redact() {
    [ -f "$SCRATCH/secret-forms" ] || list_secret_forms || lose_scratch
    awk -v forms="$SCRATCH/secret-forms" "$PROGRAM_LIB_REDACT"
}

# redact_live: the same for a text that goes on, line by line. mawk reads ahead unless it is told not to
redact_live() {
    [ -f "$SCRATCH/secret-forms" ] || list_secret_forms || lose_scratch
    set --
    case $(awk -W version 2>/dev/null </dev/null) in mawk*) set -- -W interactive ;; esac
    awk "$@" -v live=yes -v forms="$SCRATCH/secret-forms" "$PROGRAM_LIB_REDACT"
}

# list_secret_forms: every form of every secret, the longest first, to a private file
list_secret_forms() {
    local line secret
    (
        umask 077
        empty_file "$SCRATCH/secret-forms.new"
        while IFS= read -r line || [ -n "$line" ]; do
            secret=${line#*=}
            [ "${#secret}" -lt 4 ] || print_forms "$secret"
        done 2>/dev/null <"$ROOT/secrets.env" >>"$SCRATCH/secret-forms.new"
        # a secret made only of asterisks comes first: later it would match the masks of others
        awk 'length($0) >= 4 { print (/^\*+$/ ? 100000 : length($0)) "\t" $0 }' "$SCRATCH/secret-forms.new" | sort -rn | uniq | sed "s/^[0-9]*$TAB//" >"$SCRATCH/secret-forms.done" &&
            mv -f "$SCRATCH/secret-forms.done" "$SCRATCH/secret-forms" && rm -f "$SCRATCH/secret-forms.new"
    )
}

# print_forms SECRET: as it is, in addresses, in hex, as site/formats and other programs quote it, and in base64 at every
# offset of the encoded text
print_forms() {
    local hex before whole first
    printf '%s\n' "$1"
    hex=$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')
    printf '%s\n' "$hex"
    printf '%s\n' "$hex" | tr a-f A-F
    printf '%s\n' "$hex" | awk "$PROGRAM_LIB_PERCENT"
    printf '%s\n' "$1" | print_quoted
    # three bytes make four characters, so there are three possible offsets; the first and last characters also hold bits of
    # neighbouring bytes
    for before in '' x xx; do
        whole=$(((${#before} + ${#hex} / 2) * 8 / 6))
        first=$(((${#before} * 8 + 5) / 6 + 1))
        [ $((whole - first)) -ge 4 ] || continue
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole"
        printf '%s%s' "$before" "$1" | openssl base64 -A 2>/dev/null | cut -c "$first-$whole" | tr '+/' '-_'
    done
}

# print_quoted: a line of standard input as JSON, YAML, TOML, nginx, properties, XML, HTML, shells, Compose and its env file
# write it, with or without quotes
print_quoted() {
    awk "$PROGRAM_LIB_BYTES$PROGRAM_LIB_QUOTED"
}

# mask_values: of NAME=VALUE lines, only the names
mask_values() { sed 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1=******/'; }

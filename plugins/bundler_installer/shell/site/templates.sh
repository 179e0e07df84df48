# ---- site/templates: @@NAME@@ becomes the site's value, quoted for the file and for the place in it, or the value is refused

# check_templates: the values of this run in all templates, before anything changes; all that is refused is said at once
check_templates() {
    local draft blank path='' format=''
    keep "$SCRATCH/templates" rows templates.tsv
    [ -s "$SCRATCH/templates" ] || return 0
    draft=$SCRATCH/trial
    (umask 077 && mkdir -p "$draft" && write_draft) || leave $EXIT_FAILED
    blank=$HERE/.pristine
    if [ -z "$INSTALLED" ] && [ ! -d "$blank" ]; then
        cut_column templates.tsv path <"$SCRATCH/templates" >"$SCRATCH/template-names" || lose_scratch
        awk 'NR == FNR { wanted[$0]; next } substr($0, 67) in wanted' "$SCRATCH/template-names" "$FACTS/SHA256SUMS" \
            >"$SCRATCH/template-sums" || lose_scratch
        copy_listed "$SCRATCH/template-sums" "$draft"
        blank=$draft/config
    fi
    empty_file "$SCRATCH/refused"
    while read_template path format; do
        fill_template "$blank/${path#config/}" "$path" "$format" "$draft/filled" || fail_template
    done <"$SCRATCH/templates"
    [ ! -s "$SCRATCH/refused" ] || explain_refused
}

# fail_template: a value that does not exist, or no room
fail_template() {
    [ ! -s "$SCRATCH/template-error" ] || fail $EXIT_FAILED release.template "$(cat "$SCRATCH/template-error")"
    scratch_has_room || lose_scratch
    fail $EXIT_FAILED release.disk "$ROOT"
}

# explain_refused: which values, where, and what they must not hold; no secret's value
explain_refused() {
    local path='' form='' number='' name='' reason='' piece=''
    while read_refused_value path form number name reason piece; do
        printf '  %s\n' "$(format "templates.$reason" "$path:$number" "$name" "$form" ${piece:+"$piece"})"
    done <"$SCRATCH/refused" >"$SCRATCH/refused.said" || lose_scratch
    fail $EXIT_USAGE templates.refused "$(cat "$SCRATCH/refused.said")"
}

# fill_template FILE PATH FORMAT TARGET: the filled file, private. $SCRATCH/refused lists values that are refused, and has been
# made before; a name that nobody knows is an error, and so is a file that was not written whole, which not every awk tells
fill_template() {
    local whole filled_bytes denied
    empty_file "$SCRATCH/template-error"
    keep "$SCRATCH/filler" print_program "$3"
    whole=yes
    [ -z "$(tail -c 1 "$1")" ] || whole='' # the last line has no end, and gets none
    [ -f "$SCRATCH/unanswered" ] || empty_file "$SCRATCH/unanswered"
    rm -f "$SCRATCH/filled-bytes"
    awk -v values="$SCRATCH/template-values" -v unanswered="$SCRATCH/unanswered" -v refused="$SCRATCH/refused" \
        -v path="$2" -v form="$3" -v whole="$whole" -v total="$SCRATCH/filled-bytes" -f "$SCRATCH/filler" "$1" \
        2>"$SCRATCH/template-error" >"$SCRATCH/filled" || return 1
    read -r filled_bytes denied <"$SCRATCH/filled-bytes" || return 1
    [ "$(wc -c <"$SCRATCH/filled")" -eq "$filled_bytes" ] || return 1
    [ "$denied" = 0 ] || [ -s "$SCRATCH/refused" ] || return 1
    (umask 077 && cat "$SCRATCH/filled" >"$4")
}

# print_program FORMAT: what fills its files
print_program() {
    print_filler && case $1 in
        nginx) print_nginx ;;
        shell) print_shell ;;
        yaml) print_yaml ;;
        json) print_json ;;
        toml) print_toml ;;
        properties) print_properties ;;
        env) print_env ;;
        ini) print_ini ;;
        xml | html) print_markup ;;
        text) print_text ;;
        *) return 1 ;;
    esac
}

# print_filler: the awk program that all formats share. A format says what it does at the begin of a line, with a character of
# the template (`step`), with a value (`put`), at the end of a line and of the file: open_line, step, put, close_line, is_open.
# `ahead` is what follows on the line; `step` may set `skip` to take characters of it along. Bytes are what awk sees, in LC_ALL=C
print_filler() {
    cat <<'EOT'
BEGIN {
    for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
    while ((getline line < values) > 0) {
        at = index(line, "=")
        known[substr(line, 1, at - 1)] = substr(line, at + 1)
    }
    while ((getline line < unanswered) > 0) free[line]
    safe = "^[A-Za-z0-9_./:@%+,-]+$"
}
{
    if (NR > 1) { printf "\n"; bytes++ }
    out = ""; open_line()
    for (at = 1; at <= length($0); at++) {
        if (substr($0, at, 2) == "@@" && match(substr($0, at), /^@@[A-Z][A-Z0-9_]*@@/)) {
            name = substr($0, at + 2, RLENGTH - 4)
            at += RLENGTH - 1
            ahead = substr($0, at + 1)
            if (!(name in known)) {
                printf "%s:%d: @@%s@@\n", path, NR, name > "/dev/stderr"
                failed = 1; exit 1
            }
            filled++
            made = put(name in free ? "0" : known[name])
            out = out (name in free ? known[name] : made)
            continue
        }
        c = substr($0, at, 1); ahead = substr($0, at + 1); skip = 0
        step(c)
        out = out c substr(ahead, 1, skip)
        at += skip
    }
    close_line()
    printf "%s", out
    bytes += length(out)
}
END {
    if (failed) exit 1
    if (NR && whole) { printf "\n"; bytes++ }
    if (filled && is_open()) { name = "-"; refuse("unfinished", "") }
    printf "%.0f %d\n", bytes, denied > total
}
# refuse: the value of `name` cannot stand here; piece is what it must not hold
function refuse(reason, piece) {
    printf "%s\t%s\t%d\t%s\t%s\t%s\n", path, form, NR, name, reason, piece >> refused
    denied++
    return ""
}
# has: whether the value holds one of these characters; it is refused then
function has(value, characters,   i) {
    for (i = 1; i <= length(value); i++) if (index(characters, substr(value, i, 1))) {
        refuse("piece", show(substr(value, i, 1)))
        return 1
    }
    return 0
}
function show(character) {
    if (character == " ") return "U+0020"
    return (code[character] < 32 || code[character] > 126) ? sprintf("U+%04X", code[character]) : character
}
# has_control: all below blank but the tab, and DEL
function has_control(value,   i, n) {
    for (i = 1; i <= length(value); i++) {
        n = code[substr(value, i, 1)]
        if ((n < 32 && n != 9) || n == 127) { refuse("piece", sprintf("U+%04X", n)); return 1 }
    }
    return 0
}
# has_edge: a blank at its begin or end, which nobody would keep there
function has_edge(value) {
    if (value ~ /^[ \t]|[ \t]$/) { refuse("edge", ""); return 1 }
    return 0
}
# swap: each of this one character for a text
function swap(value, character, text,   i, c, made) {
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        made = made (c == character ? text : c)
    }
    return made
}
# escape: a backslash before each of these characters
function escape(value, characters,   i, c, made) {
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        made = made (index(characters, c) ? "\\" c : c)
    }
    return made
}
# read_rune: the code point at `place` of the value (UTF-8); sets `wide`, its bytes
function read_rune(value, place,   n, i) {
    n = code[substr(value, place, 1)]
    wide = n < 128 ? 1 : n < 224 ? 2 : n < 240 ? 3 : 4
    if (wide > 1) n = n % (wide == 2 ? 32 : wide == 3 ? 16 : 8)
    for (i = 1; i < wide; i++) n = n * 64 + code[substr(value, place + i, 1)] % 64
    return n
}
# escape_rune: with \u, in two halves where it takes them
function escape_rune(rune) {
    if (rune < 65536) return sprintf("\\u%04X", rune)
    rune -= 65536
    return sprintf("\\u%04X\\u%04X", 55296 + int(rune / 1024), 56320 + rune % 1024)
}
EOT
}

# print_text: no format; the value as it is
print_text() {
    cat <<'EOT'
function open_line() {}
function step(c) {}
function put(value) { return value }
function close_line() {}
function is_open() { return 0 }
EOT
}

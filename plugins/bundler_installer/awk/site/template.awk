# Reads a template, and from files the `values` of variables and the names of `unanswered` ones. Writes the filled template;
# refused values go to the file `refused`, the numbers of bytes written and values refused to the file `total`.
#
# This file has what all formats share. A format defines what happens at the start of a line, with a character of the
# template (`step`), with a value (`put`), at the end of a line and of the file: open_line, step, put, close_line, is_open.
# `ahead` is the rest of the line; `step` may set `skip` to consume characters of it. awk works on bytes (LC_ALL=C).

BEGIN {
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
# refuse: report that the value of `name` is not possible here; piece is what it must not contain
function refuse(reason, piece) {
    printf "%s\t%s\t%d\t%s\t%s\t%s\n", path, form, NR, name, reason, piece >> refused
    denied++
    return ""
}
# has: whether the value contains one of these characters; if so, it is refused
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
# has_control: whether it contains a control character below the blank, except the tab, or DEL
function has_control(value,   i, n) {
    for (i = 1; i <= length(value); i++) {
        n = code[substr(value, i, 1)]
        if ((n < 32 && n != 9) || n == 127) { refuse("piece", sprintf("U+%04X", n)); return 1 }
    }
    return 0
}
# has_edge: whether the value begins or ends with a blank, which readers would strip
function has_edge(value) {
    if (value ~ /^[ \t]|[ \t]$/) { refuse("edge", ""); return 1 }
    return 0
}
# swap: replace each occurrence of this character by a text
function swap(value, character, text,   i, c, made) {
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        made = made (c == character ? text : c)
    }
    return made
}

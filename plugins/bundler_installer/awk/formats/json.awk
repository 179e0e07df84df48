# Quotes values for JSON (RFC 8259). Inside a string, a value is escaped; elsewhere it must be a number, true, false or null.
# Included in site/template.

function open_line() { quote = escaped = 0; before = "" }
function step(c) {
    before = c
    if (escaped) escaped = 0
    else if (quote && c == "\\") escaped = 1
    else if (c == "\"") quote = !quote
}
function put(value,   i, c, made) {
    if (escaped) return refuse("place", "")
    if (!quote) {
        if (!index(" \t,:[{", before) || ahead !~ /^([],} \t\r]|$)/) return refuse("place", "")
        before = "0"
        return value ~ /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$/ ? value : refuse("literal", "")
    }
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        if (c == "\"" || c == "\\") c = "\\" c
        else if (c == "\t") c = "\\t"
        else if (code[c] < 32) c = sprintf("\\u%04X", code[c])
        made = made c
    }
    return made
}
function close_line() { if (quote) torn = 1 }
function is_open() { return torn }

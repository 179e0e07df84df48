# Quotes values for java.util.Properties, in bytes of any encoding: everything except ASCII is escaped. `part` of a line: 0
# before the key, 1 in it, 2 after it, 3 before the value, 4 in it. Included in site/template.

function open_line() { comment = 0; if (!joined) part = 0; leading = 1; joined = escaped = 0 }
function step(c) {
    if (comment) return
    if (escaped) { escaped = 0; if (part == 0) part = 1; if (part == 2 || part == 3) part = 4; leading = 0; return }
    if (leading && index(" \t\f", c)) return
    if (leading && part == 0 && (c == "#" || c == "!")) { if (at == 1 || $0 ~ /^[ \t\f]*[#!]/) { comment = 1; return } }
    leading = 0
    if (c == "\\") { escaped = 1; return }
    if (part == 0) part = 1
    if (index(" \t\f", c)) { if (part == 1) part = 2; return }
    if (c == "=" || c == ":") { if (part < 3) part = 3; else part = 4; return }
    if (part > 1) part = 4
}
function put(value,   i, c, n, made) {
    if (comment) return has(value, "\r") ? "" : value
    if (escaped) return refuse("place", "")
    for (i = 1; i <= length(value); i += wide) {
        n = read_rune(value, i); c = substr(value, i, wide)
        if (n == 92) c = "\\\\"
        else if (n == 32) c = part < 2 || (i == 1 && (part < 4 || leading)) ? "\\ " : " "
        else if (n == 9) c = "\\t"
        else if (n == 12) c = "\\f"
        else if (n == 13) c = "\\r"
        else if (n < 32 || n > 126) c = escape_rune(n)
        else if (index("=:#!", c) && (part < 2 || (i == 1 && part < 4))) c = "\\" c
        made = made c
    }
    if (value != "") { leading = 0; part = part < 2 ? 1 : 4 }
    return made
}
function close_line() { joined = escaped && !comment }
function is_open() { return joined }

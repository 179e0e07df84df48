# Quotes values for INI files. Programs differ in their quotes and escapes, so any character that one of them interprets as
# such is refused. Included in site/template.

function open_line() { comment = $0 ~ /^[ \t]*[#;]/; filling = 0 }
function step(c) { if (c == "=" || c == ":") filling = 1; if (c == "[" && !filling) filling = -1 }
function put(value) {
    if (has_control(value)) return ""
    if (comment) return value
    if (filling < 1) return value ~ /^[A-Za-z0-9_.-]+$/ ? value : refuse("word", "")
    if (has_edge(value) || has(value, "\"'\\#;%$`") || has_wide_edge(value)) return ""
    return value
}
# has_wide_edge: whether the value begins or ends with a Unicode space, which some readers strip as well
function has_wide_edge(value,   i, rune) {
    for (i = 1; i <= length(value); i += wide) {
        rune = read_rune(value, i)
        if ((i == 1 || i + wide > length(value)) && (rune == 133 || rune == 160 || rune == 5760 || (rune >= 8192 && rune <= 8202) || rune == 8232 || rune == 8233 || rune == 8239 || rune == 8287 || rune == 12288)) {
            refuse("edge", "")
            return 1
        }
    }
    return 0
}
function close_line() {}
function is_open() { return 0 }

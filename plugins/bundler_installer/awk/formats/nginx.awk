# Quotes values for the configuration of nginx, following ngx_conf_read_token. A token is bare or in quotes, which only its
# first character can open; a backslash escapes quotes, backslashes, t, r, n. A dollar starts a variable everywhere and
# cannot be escaped, so it is refused. Included in site/template.

function open_line() { comment = 0; if (!quote) fresh = 1 }
function step(c) {
    if (comment) return
    if (escaped) { escaped = 0; return }
    if (c == "\\") { escaped = 1; fresh = 0; return }
    if (quote) { if (c == quote) { quote = ""; fresh = 0 } return }
    if (fresh && c == "#") { comment = 1; return }
    if (fresh && (c == "\"" || c == "'")) { quote = c; return }
    if (c == "$" && substr(ahead, 1, 1) == "{") { skip = 1; fresh = 0; return }
    fresh = index(" \t\r;{", c) > 0 || (fresh && c == "}")
}
function put(value) {
    if (comment) return has_control(value) ? "" : value
    if (escaped) return refuse("place", "")
    if (has(value, "$")) return ""
    if (quote) return escape(value, "\\" quote)
    if (fresh && ahead ~ /^([ \t\r;{]|$)/) {
        fresh = 0
        return value ~ safe ? value : "\"" escape(value, "\\\"") "\""
    }
    if (has(value, " \t\r\v\f;{}#\"'\\") || has_control(value)) return ""
    if (value != "") fresh = 0
    return value
}
function close_line() { escaped = 0 }
function is_open() { return quote != "" }

# Quotes values for env files, in a form that Compose and shells read in the same way. Included in site/template.

function open_line() { comment = 0; if (!quote) filling = 0; before = "" }
function step(c) {
    if (comment) return
    if (quote) {
        if (escaped) escaped = 0
        else if (c == "\\") escaped = 1
        else if (c == quote) quote = ""
    } else if (c == "#" && (before == "" || before ~ /[ \t]/)) comment = 1
    else if (!filling) filling = (c == "=")
    else if (before == "=" && (c == "\"" || c == "'")) quote = c
    before = c
}
function put(value) {
    if (comment) return has(value, "\r") ? "" : value
    if (escaped) return refuse("place", "")
    if (quote == "\"") return has(value, "\\\"$`") ? "" : value
    if (quote || (before == "=" && ahead ~ /^[ \t\r]*$/ && value !~ safe)) {
        if (has(value, "'")) return ""
        if (value ~ /\\$/) return refuse("piece", "\\")
        return quote ? value : "'" value "'"
    }
    before = "0"
    if (value == "" || value ~ (filling ? safe : "^[A-Za-z0-9_]+$")) return value
    return refuse("word", "")
}
function close_line() { escaped = 0 }
function is_open() { return quote != "" }

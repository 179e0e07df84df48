# Quotes values for TOML 1.0. `filling`: a value is expected, after an equals sign or in a list; numbers and booleans are not
# quoted. Included in site/template.

function open_line() { comment = escaped = 0; if (length(quote) == 1) { quote = ""; torn = 1 } if (!quote && !depth) { filling = 0; before = "" } }
function step(c) {
    if (comment) return
    if (escaped) { escaped = 0; return }
    if (quote) {
        if (c == "\\" && index(quote, "\"")) escaped = 1
        else if (c == quote) quote = ""
        else if (length(quote) == 3 && c == substr(quote, 1, 1) && substr(ahead, 1, 2) == substr(quote, 1, 2)) {
            skip = 2; quote = ""
            while (substr(ahead, skip + 1, 1) == c) skip++ # up to two quotes of the text may precede the closing ones
        }
        before = c
        return
    }
    if (c == "\"" || c == "'") {
        if (substr(ahead, 1, 2) == c c) { quote = c c c; skip = 2 } else quote = c
        return
    }
    if (c == "#") { comment = 1; return }
    if (c == "=") filling = 1
    if (filling && c == "[") depth++
    if (filling && c == "]" && depth) depth--
    if (c !~ /[ \t\r]/) before = c
}
function put(value,   i, c, made) {
    if (comment) return has_control(value) ? "" : value
    if (escaped) return refuse("place", "")
    if (quote) {
        if (index(quote, "\"")) return escape_basic(value)
        return has_control(value) || has(value, "'") ? "" : value
    }
    if (filling && index("=[,", before) && before != "" && ahead ~ /^[ \t\r]*([],}#]|$)/) {
        before = "0"
        if (value ~ /^(true|false|[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$/) return value
        return "\"" escape_basic(value) "\""
    }
    if (filling && ahead !~ /^[ \t]*=/) return refuse("place", "")
    return value ~ /^[A-Za-z0-9_-]+$/ ? value : refuse("word", "")
}
function escape_basic(value,   i, c, made) {
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        if (c == "\"" || c == "\\") c = "\\" c
        else if (c == "\t") c = "\\t"
        else if (code[c] < 32 || code[c] == 127) c = sprintf("\\u%04X", code[c])
        made = made c
    }
    return made
}
function close_line() { }
function is_open() { return quote != "" || depth > 0 || torn }

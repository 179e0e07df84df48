# ---- site/formats: the smaller ones that a template's values are quoted for; nginx, shell and YAML have files of their own

# print_json: RFC 8259. A value in a string is escaped; one by itself must be a number, true, false or null
print_json() {
    cat <<'EOT'
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
EOT
}

# print_toml: TOML 1.0. `filling`: behind an equal sign, or in a list, a value stands; numbers and booleans are left as they are
print_toml() {
    cat <<'EOT'
function open_line() { comment = escaped = 0; if (length(quote) == 1) { quote = ""; torn = 1 } if (!quote && !depth) { filling = 0; before = "" } }
function step(c) {
    if (comment) return
    if (escaped) { escaped = 0; return }
    if (quote) {
        if (c == "\\" && index(quote, "\"")) escaped = 1
        else if (c == quote) quote = ""
        else if (length(quote) == 3 && c == substr(quote, 1, 1) && substr(ahead, 1, 2) == substr(quote, 1, 2)) {
            skip = 2; quote = ""
            while (substr(ahead, skip + 1, 1) == c) skip++ # up to two of its own may stand before the end
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
EOT
}

# print_properties: java.util.Properties, as bytes of any encoding: all but ASCII is escaped. `part` of a line: 0 before the key,
# 1 in it, 2 behind it, 3 before the value, 4 in it
print_properties() {
    cat <<'EOT'
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
EOT
}

# print_env: what Compose reads as an env file, and shells read alike
print_env() {
    cat <<'EOT'
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
EOT
}

# print_ini: no two programs agree on its quotes and escapes: what some of them would take for one is refused
print_ini() {
    cat <<'EOT'
function open_line() { comment = $0 ~ /^[ \t]*[#;]/; filling = 0 }
function step(c) { if (c == "=" || c == ":") filling = 1; if (c == "[" && !filling) filling = -1 }
function put(value) {
    if (has_control(value)) return ""
    if (comment) return value
    if (filling < 1) return value ~ /^[A-Za-z0-9_.-]+$/ ? value : refuse("word", "")
    if (has_edge(value) || has(value, "\"'\\#;%$`") || has_wide_edge(value)) return ""
    return value
}
# has_wide_edge: a blank of Unicode there, which some readers strip as well
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
EOT
}

# print_markup: XML 1.0 and HTML. In text and in quoted attributes a value is escaped; in comments, CDATA, scripts and styles
# only what ends none of them is let through
print_markup() {
    cat <<'EOT'
function open_line() {}
function step(c) {
    if (state == "") {
        if (c != "<") return
        if (substr(ahead, 1, 3) == "!--") { state = "comment"; skip = 3 }
        else if (substr(ahead, 1, 8) == "![CDATA[") { state = "cdata"; skip = 8 }
        else if (substr(ahead, 1, 1) == "?") state = "instruction"
        else { state = "tag"; raw = form == "html" && match(tolower(ahead), /^(script|style)/) ? substr(tolower(ahead), 1, RLENGTH) : "" }
    } else if (state == "tag") {
        if (c == "\"" || c == "'") state = c
        else if (c == ">") state = raw ? "raw" : ""
    } else if (state == "comment") { if (c == "-" && substr(ahead, 1, 2) == "->") { state = ""; skip = 2 } }
    else if (state == "cdata") { if (c == "]" && substr(ahead, 1, 2) == "]>") { state = ""; skip = 2 } }
    else if (state == "instruction") { if (c == "?" && substr(ahead, 1, 1) == ">") { state = ""; skip = 1 } }
    else if (state == "raw") { if (c == "<" && index(tolower(ahead), "/" raw) == 1) { state = "tag"; raw = "" } }
    else if (c == state) state = "tag"
}
function put(value,   i, n, c, made) {
    if (state == "tag" || state == "raw" || state == "instruction") return value ~ /^[A-Za-z0-9_.-]+$/ ? value : refuse("word", "")
    if (state == "comment" && has(value, "-<>&")) return ""
    if (state == "cdata" && has(value, "]")) return ""
    for (i = 1; i <= length(value); i += wide) {
        n = read_rune(value, i); c = substr(value, i, wide)
        if ((n < 32 && n != 9 && n != 13) || n == 65534 || n == 65535 || (form == "html" && n > 126 && n < 160) || (n == 13 && (state == "comment" || state == "cdata"))) return refuse("piece", sprintf("U+%04X", n))
        if (state == "comment" || state == "cdata") made = made c
        else if (index("&<>\"'\t\r", c)) made = made "&#" n ";"
        else made = made c
    }
    return made
}
function close_line() {}
function is_open() { return state != "" }
EOT
}

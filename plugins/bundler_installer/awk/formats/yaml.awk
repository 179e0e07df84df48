# Quotes values for YAML 1.1 and 1.2, which read the output in the same way. A scalar is plain, in quotes, or a block.
# `slot`: a scalar may begin here; `column`: of the last key or dash, which deeper lines continue; `depth`: of [ and {.
# Included in site/template.

function open_line(   rest) {
    match($0, /^ */); indent = RLENGTH
    rest = substr($0, indent + 1)
    if (block) {
        if (rest == "" || rest == "\r" || indent > column) { inside = 1; return }
        block = 0
    }
    inside = comment = header = 0
    if (quote || depth || rest ~ /^[ \t\r]*$/) return
    plain = plain && indent > column && rest !~ /^#/
    slot = 0; first = !plain
    if (!plain) column = indent
}
function step(c,   follows) {
    if (inside || comment) return
    if (quote) {
        if (escaped) { escaped = 0; return }
        if (quote == "\"" && c == "\\") { escaped = 1; return }
        if (quote == "'" && c == "'" && substr(ahead, 1, 1) == "'") { skip = 1; return }
        if (c == quote) { quote = ""; closed = 1 }
        return
    }
    follows = substr(ahead, 1, 1)
    if (c == " " || c == "\t" || c == "\r") return
    if (c == "#" && (at == 1 || substr($0, at - 1, 1) ~ /[ \t]/)) { comment = 1; plain = 0; return }
    if (c == ":" && (follows == "" || follows ~ /[ \t\r]/ || (depth && (closed || index(",[]{}", follows))))) {
        plain = closed = header = 0; slot = 1; first = 0
        return
    }
    if (depth && index(",[]{}", c)) {
        plain = closed = 0; slot = (c == "," || c == "[" || c == "{")
        if (c == "[" || c == "{") depth++
        if (c == "]" || c == "}") { depth--; closed = 1 }
        return
    }
    if (plain) return
    closed = 0
    if (slot || first || depth) {
        if ((c == "-" || c == "?") && !depth && (follows == "" || follows ~ /[ \t\r]/)) {
            column = at - 1; slot = 1; first = 1
            return
        }
        if (c == "\"" || c == "'") { if (first && !depth) column = at - 1; quote = c; slot = 0; first = 0; return }
        if (c == "[" || c == "{") { depth++; slot = 1; return }
        if ((c == "|" || c == ">") && slot && !depth) { header = 1; folded = (c == ">"); slot = 0; first = 0; return }
        if (c == "&" || c == "!") { slot = 0; if (match(ahead, /^[^] \t,}]*[ \t]/)) { skip = RLENGTH; slot = 1; } return }
    }
    if (header && index("+-0123456789", c)) return
    if (first && !depth) column = at - 1
    header = 0; slot = 0; first = 0; plain = 1
}
function put(value,   bare) {
    if (inside) {
        if (has_unprintable(value)) return ""
        if (out ~ /^ *$/ && (value ~ /^[ \t]/ || (folded && value == ""))) return refuse("edge", "")
        return value
    }
    if (comment) return has_unprintable(value) ? "" : value
    if (escaped || header) return refuse("place", "")
    if (quote && out ~ /^[ \t]*$/ && ahead ~ /^[ \t]*$/ && value == "") return refuse("edge", "")
    if (quote == "\"") return escape_scalar(value)
    if (quote) {
        if (has_unprintable(value)) return ""
        if ((out ~ /^[ \t]*$/ && value ~ /^[ \t]/) || (ahead ~ /^[ \t]*$/ && value ~ /[ \t]$/)) return refuse("edge", "")
        return swap(value, "'", "''")
    }
    if (slot && !plain && ahead ~ (depth ? "^[ \t]*([],}]|$|[ \t]#)" : "^[ \t\r]*($|[ \t]#)")) {
        slot = first = 0
        if (value ~ /^[A-Za-z0-9_.\/][A-Za-z0-9_.\/@+-]*$/ || value ~ /^-[0-9.]+$/) { plain = 1; return value }
        closed = 1
        return "\"" escape_scalar(value) "\""
    }
    if (has_unprintable(value) || has_edge(value) || has(value, "#\"'`&*!|>{}[],?\\\t")) return ""
    if (value ~ /:$/ || value ~ /: /) return refuse("piece", ":")
    if (!plain && value != "" && value !~ /^[A-Za-z0-9_\/]/ && code[substr(value, 1, 1)] < 128) return refuse("piece", show(substr(value, 1, 1)))
    if (value != "") { if (first && !depth) column = length(out); slot = first = 0; plain = 1 }
    return value
}
function close_line() {
    if (inside) return
    if (quote) { escaped = 0; return }
    if (header) { block = 1; plain = 0 }
    closed = 0
}
function is_open() { return quote != "" || depth > 0 }
# special: whether YAML accepts this code point unescaped; others are line breaks to some readers, or not allowed in a text
function special(rune) {
    return (rune < 32 && rune != 9) || (rune > 126 && rune < 160) || rune == 8232 || rune == 8233 || rune == 65279 || rune == 65534 || rune == 65535
}
function has_unprintable(value,   i, rune) {
    for (i = 1; i <= length(value); i += wide) {
        rune = read_rune(value, i)
        if (special(rune)) { refuse("piece", sprintf("U+%04X", rune)); return 1 }
    }
    return 0
}
function escape_scalar(value,   i, rune, made) {
    for (i = 1; i <= length(value); i += wide) {
        rune = read_rune(value, i)
        if (rune == 34 || rune == 92) made = made "\\" substr(value, i, 1)
        else if (rune == 9) made = made "\\t"
        else if (rune == 32 && ((i == 1 && out ~ /^[ \t]*$/) || (i == length(value) && ahead ~ /^[ \t]*$/))) made = made "\\x20"
        else if (special(rune)) made = made sprintf("\\u%04X", rune)
        else made = made substr(value, i, wide)
    }
    return made
}

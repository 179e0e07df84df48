# Quotes values for XML 1.0 and HTML. In text and in quoted attributes, a value is escaped; in comments, CDATA, scripts and
# styles it is accepted only if it does not end them. Included in site/template.

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

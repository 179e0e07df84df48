# Quotes values for scripts of POSIX shells and of bash. Quotes nest, so the open ones are on a stack: `"`, `'`, `(` a
# subshell or $(, a $((, p a parenthesis in it, { ${, ` a backtick. A value may be bare, in quotes and in a here-document;
# elsewhere it is refused, and so is every value after syntax that this program does not parse: $'...', and `case` in $( ),
# whose parentheses do not pair. Included in site/template.

function push(what) { stack[++deep] = what }
function open_line() {
    comment = 0; fresh = !joined; joined = 0; word = ""
    if (ending == "" && waiting) { ending = delimiter[1]; strip = dashed[1]; literal = verbatim[1]; complex = 0 }
    reading = ending != ""
}
function step(c,   top, follows, i) {
    top = stack[deep]; follows = substr(ahead, 1, 1)
    if (reading) {
        if (literal) return
        if (escaped) { escaped = 0; return }
        if (c == "\\") escaped = 1
        else if (c == "`") complex = 1
        else if (c == "$" && match(ahead, /^\{[A-Za-z_][A-Za-z0-9_]*\}/)) skip = RLENGTH
        else if (c == "$" && (follows == "(" || follows == "{")) complex = 1
        return
    }
    if (comment) return
    if (escaped) { escaped = fresh = 0; return }
    if (top == "'") { if (c == "'") deep--; return }
    if (c == "\\") { escaped = 1; fresh = 0; word = ""; return }
    if (c == "$") {
        fresh = 0; word = ""
        if (substr(ahead, 1, 2) == "((") { push("a"); skip = 2 }
        else if (follows == "(") { push("("); skip = 1; fresh = 1 }
        else if (follows == "{") { push("{"); skip = 1 }
        else if (follows == "'" && top != "\"") broken = 1
        else if (follows ~ /[#?$!@*-]/) skip = 1
        return
    }
    if (c == "`") { if (top == "`") deep--; else push("`"); fresh = 1; return }
    if (c == "\"") { if (top == "\"") deep--; else push("\""); fresh = 0; word = ""; return }
    if (top == "\"") return
    if (top == "{") {
        if (c == "}") deep--
        if (c == "'") { for (i = deep; i > 0; i--) if (stack[i] == "\"") return; push("'") }
        return
    }
    if (top == "a" || top == "p") {
        if (c == "(") push("p")
        else if (c == ")" && top == "p") deep--
        else if (c == ")" && follows == ")") { deep--; skip = 1 }
        return
    }
    if (c == "'") { push("'"); fresh = 0; word = ""; return }
    if (c == "#" && fresh) { comment = 1; return }
    if (c == "(" && follows == "(" && fresh) { push("a"); skip = 1; return }
    if (c == "(") push("(")
    if (c == ")" && top == "(") deep--
    if (c == "<" && follows == "<") begin_document()
    word = c ~ /[a-z]/ && (fresh || word != "") ? word c : ""
    if (word == "case" && ahead ~ /^[ \t]/) for (i = deep; i > 0; i--) if (stack[i] == "(") broken = 1
    fresh = index(" \t;&|()<>", c) > 0
}
function begin_document(   found) {
    if (substr(ahead, 2, 1) == "<") { skip = 2; return }
    if (!match(ahead, /^<-?[ \t]*(\\?[A-Za-z0-9_.]+|'[^']*'|"[^"\\$`]*")/)) { broken = 1; return }
    found = substr(ahead, 2, RLENGTH - 1); skip = RLENGTH
    dashed[++waiting] = found ~ /^-/
    sub(/^-?[ \t]*/, "", found)
    verbatim[waiting] = found ~ /^[\\'"]/
    gsub(/[\\'"]/, "", found)
    delimiter[waiting] = found
    if (found == "") broken = 1
}
function put(value,   i, top) {
    top = stack[deep]
    if (comment) return has(value, "\r") ? "" : value
    if (escaped || broken || (reading && complex)) return refuse("place", "")
    if (reading) return literal ? value : escape(value, "\\$`")
    for (i = deep; i > 0; i--) if (index("`{ap", stack[i])) return value ~ /^[0-9]+$/ ? value : refuse("place", "")
    fresh = 0; word = ""
    if (top == "\"") return escape(value, "\\\"$`")
    if (top == "'") return swap(value, "'", "'\\''")
    return value ~ safe ? value : "'" swap(value, "'", "'\\''") "'"
}
function close_line(   line, i) {
    if (!reading) {
        if (waiting && deep && index("\"'{", stack[deep])) broken = 1
        joined = escaped; escaped = 0
        return
    }
    escaped = 0
    line = out; if (strip) sub(/^\t+/, "", line)
    if (line != ending) return
    line = $0; if (strip) sub(/^\t+/, "", line)
    if (line != ending) { refuse("piece", ending); return }
    ending = ""; waiting--
    for (i = 1; i <= waiting; i++) { delimiter[i] = delimiter[i + 1]; dashed[i] = dashed[i + 1]; verbatim[i] = verbatim[i + 1] }
}
function is_open() { return deep > 0 || waiting > 0 }

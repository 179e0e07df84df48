# Reads a JSON document (RFC 8259). Writes the path and the value of each leaf; keys and numbers in a path are separated by >.
# A control character in a text becomes a blank, and a character beyond ASCII that is escaped, a question mark. Exits with 1 if
# the document is damaged or deeper than 32.

function expect(what) {
    sub(/^[ \t\r\n]+/, "", doc)
    if (substr(doc, 1, 1) != what) return 0
    doc = substr(doc, 2)
    return 1
}
function wrong() { bad = 1; doc = ""; return "" }
function escaped(   one, code, i) {
    one = substr(doc, 2, 1); doc = substr(doc, 3)
    if (one ~ /[bfnrt]/) return " "
    if (one != "u") return one
    for (i = 1; i <= 4; i++) code = code * 16 + index("123456789abcdef", tolower(substr(doc, i, 1)))
    doc = substr(doc, 5)
    return code < 32 ? " " : (code < 127 ? sprintf("%c", code) : "?")
}
function text(   made) {
    while (!bad) {
        match(doc, /^[^"\\]*/)
        made = made substr(doc, 1, RLENGTH); doc = substr(doc, RLENGTH + 1)
        if (doc == "") return wrong()
        if (substr(doc, 1, 1) == "\"") break
        made = made escaped()
    }
    doc = substr(doc, 2)
    gsub(/[\001-\037\177]/, " ", made)
    return made
}
function value(path, depth,   n, key, close_by, object) {
    if (bad || depth > 32) return wrong()
    object = expect("{")
    if (object || expect("[")) {
        close_by = object ? "}" : "]"
        if (expect(close_by)) return ""
        do {
            key = n++
            if (object) {
                if (!expect("\"")) return wrong()
                key = text()
                if (!expect(":")) return wrong()
            }
            value((depth ? path ">" : "") key, depth + 1)
        } while (!bad && expect(","))
        if (!bad && !expect(close_by)) wrong()
    } else if (expect("\"")) print path "\t" text()
    else if (match(doc, /^[-+.0-9A-Za-z]+/)) { print path "\t" substr(doc, 1, RLENGTH); doc = substr(doc, RLENGTH + 1) }
    else wrong()
    return ""
}
{
    # so that many short lines do not copy the whole again and again
    piece = piece $0 "\n"
    if (length(piece) > 4096) { doc = doc piece; piece = "" }
}
END {
    doc = doc piece
    value("", 0)
    sub(/^[ \t\r\n]+/, "", doc)
    exit (bad || doc != "")
}

# Resolves the variables in the values of document.tsv as Compose does: Compose specification, "Interpolation".
# Lines are left out if their value is empty, or not known before the operator answers. `folder` has a file for each
# value; `asked` are the names that the site must give, between spaces.

{
    unknown = 0
    line = resolve($FEATURE["value"])
    if (line != "" && !unknown) printf "%s\t%s\t%s\n", $FEATURE["service"], $FEATURE["what"], line
}

# resolve(TEXT): with $$, $NAME and ${NAME<operator><word>} replaced
function resolve(text,    out, at, end) {
    out = ""
    while ((at = index(text, "$")) > 0) {
        out = out substr(text, 1, at - 1)
        text = substr(text, at + 1)
        if (substr(text, 1, 1) == "$") {
            out = out "$"
            text = substr(text, 2)
        } else if (substr(text, 1, 1) == "{") {
            end = find_end(text)
            out = out replace(substr(text, 2, end - 2))
            text = substr(text, end + 1)
        } else if (match(text, /^[A-Za-z_][A-Za-z0-9_]*/)) {
            end = RLENGTH
            out = out replace(substr(text, 1, end))
            text = substr(text, end + 1)
        } else out = out "$"
    }
    return out text
}

# find_end(TEXT): where the brace closes that TEXT begins with
function find_end(text,    depth, i, c) {
    depth = 0
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "{") depth++
        if (c == "}" && --depth == 0) return i
    }
    return length(text)
}

# replace(USE): the value of NAME, or what the operator and the word after it make of it
function replace(use,    name, operator, word, found, known) {
    match(use, /^[A-Za-z_][A-Za-z0-9_]*/)
    name = substr(use, 1, RLENGTH)
    word = substr(use, RLENGTH + 1)
    operator = substr(word, 1, 1)
    word = substr(word, 2)
    found = ""
    known = (getline found < (folder "/" name)) >= 0
    close(folder "/" name)
    if (operator == ":") {
        known = known && found != ""
        operator = substr(word, 1, 1)
        word = substr(word, 2)
    }
    if (operator == "+") return known ? resolve(word) : ""
    if (operator == "-" && !known) return resolve(word)
    if (!known && index(asked, " " name " ")) unknown = 1
    return found
}

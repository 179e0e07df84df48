# Reads lines of fields separated by tabs. Writes them as columns that stand under each other on a terminal, where East Asian
# characters are two cells wide (Unicode Standard Annex 11), after `indent` blanks. With `limit`, the last column is wrapped at
# that width.

{
    count[NR] = NF
    for (c = 1; c <= NF; c++) {
        cell[NR, c] = $c
        if (c < NF && width($c) > widest[c]) widest[c] = width($c)
    }
}
END {
    for (r = 1; r <= NR; r++) {
        used = indent; line = blanks(indent)
        for (c = 1; c < count[r]; c++) {
            line = line cell[r, c] blanks(widest[c] - width(cell[r, c]) + 2); used += widest[c] + 2
        }
        flow(line, used, cell[r, count[r]])
    }
}
function blanks(n) { return n > 0 ? sprintf("%" n "s", "") : "" }
# width TEXT: cells that it takes
function width(text,   place, cells) {
    for (place = 1; place <= length(text); place += wide) cells += cells_of(read_rune(text, place))
    return cells + 0
}
function cells_of(n) {
    if ((n >= 768 && n <= 879) || (n >= 8203 && n <= 8207) || (n >= 65024 && n <= 65039)) return 0
    if (n < 4352) return 1
    return n <= 4447 || (n >= 11904 && n <= 42191 && n != 12351) || (n >= 43360 && n <= 43391) || (n >= 44032 && n <= 55215) ||
        (n >= 63744 && n <= 64255) || (n >= 65040 && n <= 65049) || (n >= 65072 && n <= 65135) || (n >= 65281 && n <= 65376) ||
        (n >= 65504 && n <= 65510) || (n >= 127744 && n <= 129791) || (n >= 131072 && n <= 262141) ? 2 : 1
}
# flow HEAD MARGIN TEXT: print the text after HEAD, wrapped; a line does not begin with a closing mark
function flow(head, margin, text,   place, step, n, piece, unit, kind, gap) {
    line = head; used = margin; fresh = 1; unit = ""; kind = 0; gap = ""
    if (limit + 0 == 0) { line = head text; sub(/ +$/, "", line); print line; return }
    for (place = 1; place <= length(text); place += step) {
        n = read_rune(text, place); step = wide; piece = substr(text, place, step)
        if (piece == " ") { put(gap, unit, margin); unit = ""; gap = " "; continue }
        if (unit != "" && (kind == 2 || cells_of(n) == 2) && !closes(n)) { put(gap, unit, margin); unit = ""; gap = "" }
        unit = unit piece; kind = cells_of(n)
    }
    put(gap, unit, margin)
    print line
}
function put(gap, unit, margin) {
    if (unit == "") return
    if (!fresh && used + length(gap) + width(unit) > limit) {
        print line
        line = blanks(margin); used = margin; gap = ""
    }
    line = line gap unit; used += length(gap) + width(unit); fresh = 0
}
# closes N: 、 。 」 』 】 ） ， ： ； ！ ？
function closes(n) {
    return n == 12289 || n == 12290 || n == 12301 || n == 12303 || n == 12305 || n == 65289 || n == 65292 || n == 65306 ||
        n == 65307 || n == 65281 || n == 65311
}

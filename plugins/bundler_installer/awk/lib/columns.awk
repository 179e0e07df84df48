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

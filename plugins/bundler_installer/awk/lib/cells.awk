# Functions for how wide text is on a terminal: width and cells_of. East Asian characters are two cells wide (Unicode Standard
# Annex 11). They need the functions for text as bytes.

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

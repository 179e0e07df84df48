# Writes a line as far as `columns` cells of a terminal hold it, where one cell is left for the cursor. What does not fit is
# left out from a comma on, so that no number is cut.

{
    used = 0
    for (place = 1; place <= length($0); place += wide) {
        used += cells_of(read_rune($0, place))
        if (used >= columns) break
    }
    line = substr($0, 1, place - 1); rest = substr($0, place)
    if (rest != "" && rest !~ /^(, |，)/) {
        parts = split(line, part, /, |，/)
        if (parts > 1) {
            line = substr(line, 1, length(line) - length(part[parts]))
            sub(/(, |，)$/, "", line)
        }
    }
    print line
}

# Reads SHA256SUMS, and from the file `folds` the letters that some file systems treat as equal. Writes the paths and `ok
# COUNT`, or `bad LINE` instead of the count. Requires lib/marks.

function refuse(what) { refused = 1; print "bad " what; exit 0 }
function fold(text, done, i) {
    text = tolower(text)
    if (text !~ /[\200-\377]/) return text
    for (i = 1; i <= length(text); i++) {
        pair = substr(text, i, 2)
        if (pair in lower) { done = done lower[pair]; i++ } else done = done substr(text, i, 1)
    }
    return done
}
BEGIN {
    while ((getline line < folds) > 0) { lower[substr(line, 1, 2)] = substr(line, 4, 2); known++ }
    if (!known) exit 3
}
substr($0, 1, 64) !~ /^[0-9a-f]+$/ || substr($0, 65, 2) != "  " || length($0) < 67 { refuse(NR) }
{
    path = substr($0, 67)
    if (length(path) > 4096 || path ~ /[\001-\037\177\\]/ || path ~ /^\// || path ~ /\/$/ || path ~ /\/\//) refuse(NR)
    if (("/" path "/") ~ /\/\.\.?\// || ("/" path) ~ /\/-/) refuse(NR)
    # also letters in decomposed form, which some file systems compose
    if (has_marks(path)) refuse(NR)
    if (path ~ /\314[\200-\277]/ || path ~ /\315[\200-\257]/ || path ~ /\343\202[\231\232]/ || path ~ /\341[\204-\207][\200-\277]/) refuse(NR)
    if (path in files || path in folders) refuse(NR)
    files[path]
    parts = split(path, part, "/")
    whole = ""
    for (i = 1; i <= parts; i++) {
        whole = whole (i > 1 ? "/" : "") part[i]
        folded = fold(whole)
        if ((folded in names) && names[folded] != whole) refuse(NR)
        names[folded] = whole
        if (i < parts) {
            if (whole in files) refuse(NR)
            folders[whole]
        }
    }
    print path
}
END { if (!refused) print "ok " NR }

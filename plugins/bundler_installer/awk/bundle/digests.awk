# Reads lines of SHA256SUMS, and from the file `found` the computed digests of the same files, in the same order. Writes `ok
# COUNT`, or `bad PATH` for the first file that differs; nothing if digests are missing.

{
    if ((getline line < found) <= 0) { short = 1; exit }
    if (substr(line, 1, 64) != substr($0, 1, 64) || substr(line, 65, 1) != " ") { bad = substr($0, 67); exit }
    n++
}
END { if (bad != "") print "bad " bad; else if (!short) print "ok " n }

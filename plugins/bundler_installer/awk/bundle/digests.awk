# Reads lines of SHA256SUMS, and from the file `found` what the same files were hashed to, in order.
# Writes `ok COUNT`, or `bad PATH` of the first that differs; nothing if there are too few.

{
    if ((getline line < found) <= 0) { short = 1; exit }
    if (substr(line, 1, 64) != substr($0, 1, 64) || substr(line, 65, 1) != " ") { bad = substr($0, 67); exit }
    n++
}
END { if (bad != "") print "bad " bad; else if (!short) print "ok " n }

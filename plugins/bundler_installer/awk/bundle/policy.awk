# Reads a policy. Writes its lines `require N of NAME...` and `end`, or `broken LINE`.

/^#/ || /^[ \t]*$/ { next }
{
    ok = NF >= 4 && $1 == "require" && $2 ~ /^[1-9][0-9]?$/ && $3 == "of" && $2 + 3 <= NF
    for (i = 4; i <= NF; i++) if ($i !~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/) ok = 0
    if (!ok) { print "broken " NR; bad = 1; exit }
    print; found++
}
END {
    if (bad) exit
    if (found) print "end"; else print "broken " (NR + 1)
}

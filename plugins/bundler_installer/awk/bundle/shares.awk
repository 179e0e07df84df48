# Reads sizes and lines of SHA256SUMS, the largest first, and from the file `copies` the lines of files that are also copied.
# Writes the lines to the files `out`1 to `out`n, with the bytes distributed evenly, and those to be copied to files that end
# in .copies; and to `metered`, of each, the file's end, the bytes, and the path.

BEGIN { while ((getline line < copies) > 0) copied[line] }
{
    tab = index($0, "\t"); least = 1
    for (i = 2; i <= n; i++) if (load[i] < load[least]) least = i
    load[least] += $1
    line = substr($0, tab + 1)
    part = least (line in copied ? ".copies" : "")
    print line > (out part)
    print part "\t" $1 "\t" substr(line, 67) > metered
}

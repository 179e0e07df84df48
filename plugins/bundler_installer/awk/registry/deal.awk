# Reads tasks, the largest first. Writes them to the files `out`1 to `out`n, with the bytes distributed evenly, and of uploads
# to `metered` the file's end, the bytes, and the path.

{
    least = 1
    for (i = 2; i <= n; i++) if (load[i] < load[least]) least = i
    load[least] += $PUSH_TASK["bytes"] + 1
    print > (out least)
    if ($PUSH_TASK["what"] == "upload") {
        hex = $PUSH_TASK["digest"]; sub(/^sha256:/, "", hex)
        print least "\t" $PUSH_TASK["bytes"] "\t" below "blobs/sha256/" hex > metered
    }
}

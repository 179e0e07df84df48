# Reads lines of /proc/PID/stat. Writes the process `root` and its descendants; with `same`, only those in its session.

{ parent[$1] = $2; session[$1] = $4 }
END {
    found[root]; list = root
    do {
        more = 0
        for (pid in parent) {
            if (pid in found || !(parent[pid] in found) || (same != "" && session[pid] != session[root])) continue
            found[pid]; list = list " " pid; more = 1
        }
    } while (more)
    print list
}

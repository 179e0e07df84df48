# Reads the folder of the expected files, and what `ls -l` prints for /proc/PID/fd of several processes; from `list` the
# files, and from `seen` the last file that each group was seen at. Writes how many of their bytes were passed, - if none was
# seen, and `seen` anew. A file that was seen and is not open any more was passed to its end.

BEGIN {
    while ((getline line < list) > 0) {
        split(line, f, "\t"); group = f[METERED["group"]]; size = f[METERED["bytes"]] + 0
        count[group]++; before[group, count[group]] = sum[group] + 0; sum[group] += size
        group_of[f[METERED["path"]]] = group; place_of[f[METERED["path"]]] = count[group]
    }
    for (n = split(seen, f, " "); n > 0; n--) { split(f[n], part, ":"); last[part[1]] = part[2] }
}
function position(pid, fd,   file, line, found) {
    file = "/proc/" pid "/fdinfo/" fd
    while ((getline line < file) > 0) if (line ~ /^pos:/) { sub(/^pos:[ \t]*/, "", line); found = line + 0 }
    close(file)
    return found + 0
}
NR == 1 { folder = $0 "/"; next }
/^\/proc\/[0-9]+\/fd:$/ { pid = $0; gsub(/[^0-9]/, "", pid); next }
match($0, / [0-9]+ -> /) {
    fd = substr($0, RSTART + 1, RLENGTH - 5); path = substr($0, RSTART + RLENGTH)
    if (index(path, folder) != 1) next
    path = substr(path, length(folder) + 1)
    if (!(path in group_of)) next
    group = group_of[path]; place = place_of[path]; at = position(pid, fd)
    if (place > open[group] || (place == open[group] && at > passed[group])) { open[group] = place; passed[group] = at }
}
END {
    bytes = "-"; seen = ""
    for (group in count) {
        if (group in open) { bytes += before[group, open[group]] + passed[group]; last[group] = open[group] }
        else if (group in last) bytes += last[group] < count[group] ? before[group, last[group] + 1] : sum[group]
        if (group in last) seen = seen " " group ":" last[group]
    }
    if (bytes == "-") print "-\t-"
    else printf "%.0f\t%s\n", bytes, (seen == "" ? "-" : seen)
}

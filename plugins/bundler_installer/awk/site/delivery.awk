# Decides what happens to each file that the bundle delivers. Reads four files, of which `part` says which one is read:
# what was delivered (digest, path), files that exist now (digest, path), paths of the new release that are no files (path),
# and files of the new release (digest, path). `disposable`: a file with folders that need no backup.
# Writes `what<TAB>path`: deliver, renew, keep (the site changed it), gone (the site removed it), same; obsolete.

BEGIN {
    FS = OFS = "\t"
    while ((getline folder < disposable) > 0) caches[folder]
}
part == "delivered" { if (NF == 2 && length($1) == 64) before[$2] = $1; next }
part == "present" { now[$2] = $1; next }
part == "odd" { now[$1] = "odd"; next }
{
    fresh[$2]
    if (now[$2] == $1) what = "same"
    else if (now[$2] == "") what = before[$2] == "" || is_cache($2) ? "deliver" : before[$2] == $1 ? "same" : "gone"
    else if (before[$2] == $1) what = "same"
    else what = before[$2] == now[$2] ? "renew" : "keep"
    print what, $2
}
END { for (path in before) if (!(path in fresh)) print "obsolete", path }

function is_cache(path) {
    while (sub(/\/[^\/]*$/, "", path)) if (path in caches) return 1
    return 0
}

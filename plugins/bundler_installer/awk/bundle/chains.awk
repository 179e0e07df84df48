# Reads the lists `rotations` and `revocations`. Defines functions that follow a key to its successors, at most `limit`
# steps.

FILENAME == "rotations" {
    rotated++
    if (!(($1, $2) in rotation)) { rotation[$1, $2]; following[$1]++; successor[$1] = $2 }
    next
}
FILENAME == "revocations" { revoking++; revocation[$1, $2]; next }
function find_revoked(  pair, part) {
    for (pair in revocation) {
        split(pair, part, SUBSEP)
        if (part[1] == part[2] || follows(part[2], part[1])) revoked[part[1]]
    }
}
function follows(key, old,  more, pair, part, reached) {
    reached[old]
    do {
        more = 0
        for (pair in rotation) {
            split(pair, part, SUBSEP)
            if (part[1] in reached && !(part[2] in reached)) { reached[part[2]]; more = 1 }
        }
    } while (more)
    return key in reached
}
function follow(key,  n, seen) {
    n = 0
    while (n < limit && !(key in seen) && !(key in revoked)) {
        seen[key]; chain[++n] = key
        if (following[key] > 1) print "forked " key
        if (following[key] != 1) break
        key = successor[key]
    }
    return n
}

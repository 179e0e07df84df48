# Reads the lists rotations, revocations and known. Writes how the statement (`kind`, `by`, `about`) relates to known keys:
# right, known, revoked, forked or none. Requires bundle/chains.

FILENAME == "known" { known[$1]; next }
END {
    find_revoked()
    if (kind == "revocation") { print ((by == about || follows(by, about)) ? "right" : "none"); exit }
    if (by in revoked) { print "revoked"; exit }
    if (following[by] > 1) { print "forked"; exit }
    for (each in known) if (follows(by, each)) { print "known"; exit }
    print "none"
}

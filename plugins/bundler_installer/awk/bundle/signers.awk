# Reads the lists rotations, revocations, signers and demands. Writes the lines described at compare_keys. Requires
# bundle/chains.

FILENAME == "signers" { signers++; signer[$1]; next }
FILENAME == "demands" { line[++demands] = $0; next }
END {
    find_revoked()
    for (d = 1; d <= demands; d++) {
        n = split(line[d], word, " "); found = 0
        split("", used)
        for (i = 3; i <= n; i++) {
            if (word[i] in revoked) print "revoked " word[i]
            length_of_chain = follow(word[i])
            for (k = 1; k <= length_of_chain; k++)
                if (chain[k] in signer && !(chain[k] in used)) {
                    used[chain[k]]; found++
                    print "counts " word[1] " " word[i] " " chain[k]
                    break
                }
        }
        print "demand " word[1] " " word[2] " " found " " (n - 2)
    }
    for (each in signer) if (each in revoked) print "revoked " each
    print "end " (signers + 0) " " (rotated + 0) " " (revoking + 0) " " (demands + 0)
}

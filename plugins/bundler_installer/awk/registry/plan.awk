# Reads what the registry has, and writes tasks. A blob that one repository has is mounted in the others (to the file `early`);
# one that none has is uploaded to the first (`upload`), and mounted in the others after that (`late`). Names that do not have
# their manifest go to `put`.

$PUSH_RESULT["what"] == "unnamed" { print "put\t" $PUSH_RESULT["repository"] "\t" $PUSH_RESULT["digest"] "\t-\t" $PUSH_RESULT["more"] > put }
$PUSH_RESULT["what"] == "there" { if (!($PUSH_RESULT["digest"] in has)) has[$PUSH_RESULT["digest"]] = $PUSH_RESULT["repository"] }
$PUSH_RESULT["what"] == "absent" {
    n++; repository[n] = $PUSH_RESULT["repository"]; digest[n] = $PUSH_RESULT["digest"]; bytes[n] = $PUSH_RESULT["bytes"]
}
END {
    for (i = 1; i <= n; i++) {
        task = repository[i] "\t" digest[i] "\t" bytes[i] "\t"
        if (digest[i] in has) print "mount\t" task has[digest[i]] > early
        else if (digest[i] in first) print "mount\t" task first[digest[i]] > late
        else { first[digest[i]] = repository[i]; print "upload\t" task "-" > upload }
    }
}

# Reads the SHA256SUMS of a backup. Writes its names; exits with 3 if a line has another form than in a backup.

{ name = substr($0, 67); digest = substr($0, 1, 64) }
length(digest) != 64 || digest !~ /^[0-9a-f]+$/ || substr($0, 65, 2) != "  " { bad = 1 }
name !~ /^(dumps\/|volumes\/)?[A-Za-z0-9_][A-Za-z0-9._-]*$/ || name "" <= last "" { bad = 1 }
{ last = name; print name }
END { exit bad ? 3 : 0 }

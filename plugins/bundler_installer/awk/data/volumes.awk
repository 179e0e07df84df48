# Reads the volumes.tsv of a backup, and from the file `listed` the names of its files. Exits with 3 if the table has another
# form than in a backup.

BEGIN { while ((getline line < listed) > 0) { sub(/\.enc$/, "", line); known[line] } }
NR == 1 { if ($0 != "#file\tname\tkey") bad = 1; next }
{ file = $STORED_VOLUME["file"]; name = $STORED_VOLUME["name"]; key = $STORED_VOLUME["key"] }
NF != 3 || !(file in known) || file !~ /^volumes\/[0-9]+\.tar$/ || file in files || name in names { bad = 1 }
name !~ /^[A-Za-z0-9][A-Za-z0-9_.-]*$/ || key !~ /^(-|[A-Za-z0-9._][A-Za-z0-9._-]*)$/ { bad = 1 }
{ files[file]; names[name] }
END { exit bad || !NR ? 3 : 0 }

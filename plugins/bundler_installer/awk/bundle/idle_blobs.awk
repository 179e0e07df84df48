# Reads the paths of kept blobs, and from the file `list` the `lines` lines of blobs that releases need. Writes the names
# that no release needs; exits with 1 if the list could not be read completely.

BEGIN {
    while ((getline line < list) > 0) { read++; kept[substr(line, 1, 64)] }
    if (read + 0 != lines || lines == "") exit 1
}
{ sub(/^\.\//, "") }
!($0 in kept)

# Reads a block of 512 bytes in hex: the header of a member of a tar file. Writes kind, size, name; exits with 3 if a backup
# cannot have such a member. Characters beyond ASCII are written as `?`.

BEGIN {
    for (code = 0; code < 256; code++) {
        hex = sprintf("%02x", code); value[hex] = code
        letter[hex] = code > 126 ? "?" : sprintf("%c", code)
    }
}
{ for (i = 1; i <= NF; i++) byte[n++] = $i }
function text(from, length_,   i, found) {
    for (i = from; i < from + length_ && byte[i] != "00"; i++) {
        if (value[byte[i]] < 32 || byte[i] == "7f") bad = 1
        found = found letter[byte[i]]
    }
    return found
}
function octal(from, length_,   i, found) {
    for (i = from; i < from + length_ && byte[i] == "20"; i++);
    for (; i < from + length_ && byte[i] != "20" && byte[i] != "00"; i++) {
        if (byte[i] !~ /^3[0-7]$/) bad = 1
        found = found * 8 + value[byte[i]] - 48
    }
    return found + 0
}
END {
    if (n != 512) exit 2
    for (i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : value[byte[i]]
    if (sum == 256) { print "end 0 -"; exit }
    if (sum != octal(148, 8)) exit 3
    if (byte[124] == "80") { for (i = 125; i < 136; i++) size = size * 256 + value[byte[i]] } else size = octal(124, 12)
    if (size > 9007199254740991) exit 3
    type = letter[byte[156]]
    name = text(0, 100)
    # the old GNU format has other fields in place of the POSIX prefix
    if (byte[262] == "00" && byte[257] == "75") { prefix = text(345, 155); if (prefix != "") name = prefix "/" name }
    if (type == "0" || byte[156] == "00") kind = "file"
    else if (type == "5") { kind = "folder"; if (size) exit 3 }
    else if (type == "x") kind = "pax"
    else if (type == "L") kind = "long"
    else exit 3
    if (bad || name == "") exit 3
    printf "%s %.0f %s\n", kind, size, name
}

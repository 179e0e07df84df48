# Reads lines kind, range, name. Writes the first whose range overlaps `range`, or with `all` every such line.

function parse(text,   part, q, bits) {
    split(text, part, "/")
    if (split(part[1], q, ".") != 4) return 0
    size = 1 # busybox awk may have no operator ^
    for (bits = (part[2] == "" ? 32 : part[2]); bits < 32; bits++) size *= 2
    first = ((q[1] * 256 + q[2]) * 256 + q[3]) * 256 + q[4]
    first -= first % size
    return 1
}
BEGIN { if (!parse(range)) exit; a = first; b = first + size - 1 }
parse($TAKEN_RANGE["range"]) && first <= b && first + size - 1 >= a { print; if (all == "") exit }

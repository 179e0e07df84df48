# Reads a signature in hex. Exits with 0 if it is an ECDSA signature in DER with the lower s, which is at most `half`.

function byte(i) { return (index(digits, substr(t, i, 1)) - 1) * 16 + index(digits, substr(t, i + 1, 1)) - 1 }
function integer(  n, v) {
    if (substr(t, at, 2) != "02") return ""
    n = byte(at + 2); v = substr(t, at + 4, 2 * n); at += 4 + 2 * n
    if (n < 1 || length(v) != 2 * n || v ~ /^[89a-f]/ || (n > 1 && v ~ /^00[0-7]/)) return ""
    sub(/^00/, "", v)
    return v == "" || length(v) > 64 ? "" : v
}
{
    digits = "0123456789abcdef"; t = $0; at = 5
    if (substr(t, 1, 2) != "30" || byte(3) * 2 + 4 != length(t)) exit
    r = integer(); s = integer()
    if (r == "" || s == "" || at != length(t) + 1) exit
    while (length(s) < 64) s = "0" s
    good = ("x" s) <= ("x" half)
}
END { exit !good }

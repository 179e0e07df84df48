# Reads /proc/net/route. Writes a line per route: `route`, range, interface; without the interfaces in `mine`.

function number(hex,   i, v) { v = 0; for (i = 1; i <= 2; i++) v = v * 16 + digit[substr(hex, i, 1)]; return v }
function quad(hex) { return number(substr(hex, 7, 2)) "." number(substr(hex, 5, 2)) "." number(substr(hex, 3, 2)) "." number(substr(hex, 1, 2)) }
BEGIN { for (i = 0; i < 16; i++) digit[substr("0123456789ABCDEF", i + 1, 1)] = i }
NR > 1 && $8 != "00000000" && index(mine, " " $1 " ") == 0 {
    bits = 0; split(quad($8), m, ".")
    for (i = 1; i <= 4; i++) for (b = 128; b >= 1; b /= 2) if (m[i] >= b) { bits++; m[i] -= b }
    printf "route\t%s/%d\t%s\n", quad($2), bits, $1
}

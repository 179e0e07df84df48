# Writes an IPv6 address as 32 hex digits in lower case, and any other text unchanged.

function group(text) { return substr("0000" tolower(text), length(text) + 1) }
!/:/ { print; next }
{
    sub(/%.*/, ""); gsub(/[][]/, "")
    halves = split($0, half, "::"); out = ""
    n = half[1] == "" ? 0 : split(half[1], left, ":")
    m = half[2] == "" ? 0 : split(half[2], right, ":")
    for (i = 1; i <= n; i++) out = out group(left[i])
    for (i = n + m; halves == 2 && i < 8; i++) out = out "0000"
    for (i = 1; i <= m; i++) out = out group(right[i])
    print out
}

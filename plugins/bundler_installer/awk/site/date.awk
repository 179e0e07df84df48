# Reads `notAfter=Nov  4 21:09:00 2026 GMT`. Writes YYYYMMDDhhmmss.

{
    sub(/^[^=]*=/, "")
    month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3
    split($3, clock, ":")
    printf "%04d%02d%02d%02d%02d%02d\n", $4, month, $2, clock[1], clock[2], clock[3]
}

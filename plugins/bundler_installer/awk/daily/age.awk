# Writes the hours from `then` to `now`, both in the form 2026-01-31T23:59:59Z.

function day(text,   y, m, d) { # days since a fixed day in the past
    y = substr(text, 1, 4) + 0; m = substr(text, 6, 2) + 0; d = substr(text, 9, 2) + 0
    if (m < 3) { y--; m += 12 }
    return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + d
}
BEGIN { printf "%.0f", (day(now) - day(then)) * 24 + substr(now, 12, 2) - substr(then, 12, 2) }

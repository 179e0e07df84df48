# Exits with 0 if the version `have` is at least `want`: dotted numbers; missing parts are 0.

BEGIN {
    sub(/^v/, "", have)
    n = split(have, h, /[.+~-]/); m = split(want, w, /[.+~-]/)
    for (i = 1; i <= (n > m ? n : m); i++) {
        if (h[i] + 0 > w[i] + 0) exit 0
        if (h[i] + 0 < w[i] + 0) exit 1
    }
    exit 0
}

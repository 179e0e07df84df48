# Ends with 0 if each number of the list `asked`, such as `0-3,8`, is in the list `all`.

function add(text, set,    n, i, k, parts, range) {
    n = split(text, parts, ",")
    for (i = 1; i <= n; i++) {
        if (split(parts[i], range, "-") < 2) range[2] = range[1]
        for (k = range[1] + 0; k <= range[2] + 0 && k < 8192; k++) set[k]
    }
}
BEGIN {
    add(all, here); add(asked, wanted)
    for (k in wanted) if (!(k in here)) exit 1
}

# unquote TEXT: decode a JSON string as written by Go; sets `odd` if no line of an env file can hold it

function unquote(text,   i, c, made) {
    odd = 0
    if (text !~ /^".*"$/) { odd = 1; return "" }
    text = substr(text, 2, length(text) - 2)
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\\") {
            c = substr(text, ++i, 1)
            if (c == "u") {
                c = substr(text, i + 1, 4); i += 4
                if (c == "003c") c = "<"; else if (c == "003e") c = ">"; else if (c == "0026") c = "&"; else odd = 1
            } else if (c !~ /["\\\/]/) odd = 1
        }
        made = made c
    }
    return made
}

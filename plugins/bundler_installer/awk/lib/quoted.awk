# Reads a secret. Writes it in the quoted forms of JSON, YAML, TOML, nginx, properties, XML, HTML, shells, Compose and its
# env file.

BEGIN { sq = "\047" }
# quoted: put a backslash before these characters; write non-text characters with \u, with 1 also DEL, with 2 everything
# except ASCII
function quoted(text, characters, ascii, lower,   i, c, n, made) {
    for (i = 1; i <= length(text); i += wide) {
        n = read_rune(text, i); c = substr(text, i, wide)
        if (n < 128 && index(characters, c)) c = "\\" c
        else if (n == 9 || n == 12 || n == 13) c = "\\" (n == 9 ? "t" : n == 12 ? "f" : "r")
        else if (n < 32 || (ascii && n == 127) || (ascii > 1 && n > 127)) c = escape_rune(n, lower)
        made = made c
    }
    return made
}
# changed: replace each of these characters by its entry in the list, which has the same order
function changed(text, characters, list,   i, c, at, made, part) {
    split(list, part, "|")
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1); at = index(characters, c)
        made = made (at ? part[at] : c)
    }
    return made
}
{
    for (lower = 0; lower < 2; lower++) for (ascii = 0; ascii < 3; ascii++) {
        print quoted($0, "\"\\", ascii, lower)
        print quoted($0, "\"\\/", ascii, lower)
        print quoted($0, "\\", ascii, lower)
        print quoted($0, "\\=:#!", ascii, lower)
        print "\\" quoted($0, "\\", ascii, lower)
    }
    print escape($0, "\"\\$`"); print escape($0, "\\$`"); print escape($0, "\\"); print escape($0, "\\" sq)
    print changed($0, sq, sq sq); print changed($0, sq, sq "\\" sq sq); print changed($0, "$", "$$")
    print changed($0, "$\"\\", "${BUNDLE_DOLLAR}|${BUNDLE_QUOTE}|${BUNDLE_BACKSLASH}")
    print changed($0, "&<>\"" sq "\t\r", "&#38;|&#60;|&#62;|&#34;|&#39;|&#9;|&#13;")
    print changed($0, "&<>\"", "&amp;|&lt;|&gt;|&quot;"); print changed($0, "&<>", "&amp;|&lt;|&gt;")
    print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&#x27;"); print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&#39;")
    print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&quot;|&apos;"); print changed($0, "&<>\"" sq, "&amp;|&lt;|&gt;|&#34;|&#39;")
    print changed($0, "&<>", "\\u0026|\\u003c|\\u003e"); print changed(quoted($0, "\"\\", 0, 1), "&<>", "\\u0026|\\u003c|\\u003e")
}

# Functions for text as bytes (LC_ALL=C): read_rune, escape_rune and escape.

BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }
# escape: put a backslash before each of these characters
function escape(value, characters,   i, c, made) {
    for (i = 1; i <= length(value); i++) {
        c = substr(value, i, 1)
        made = made (index(characters, c) ? "\\" c : c)
    }
    return made
}
# read_rune: return the code point at `place` of the value (UTF-8); sets `wide`, its bytes
function read_rune(value, place,   n, i) {
    n = code[substr(value, place, 1)]
    wide = n < 128 ? 1 : n < 224 ? 2 : n < 240 ? 3 : 4
    if (wide > 1) n = n % (wide == 2 ? 32 : wide == 3 ? 16 : 8)
    for (i = 1; i < wide; i++) n = n * 64 + code[substr(value, place + i, 1)] % 64
    return n
}
# escape_rune: with \u, as two surrogates beyond the basic plane; with lower-case digits if `lower`
function escape_rune(rune, lower,   form) {
    form = lower ? "\\u%04x" : "\\u%04X"
    if (rune < 65536) return sprintf(form, rune)
    rune -= 65536
    return sprintf(form, 55296 + int(rune / 1024)) sprintf(form, 56320 + rune % 1024)
}

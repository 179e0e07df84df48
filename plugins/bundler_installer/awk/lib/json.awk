# escape_json TEXT: escape a line for a JSON string, without the quotes; ? for each byte that is not UTF-8 (RFC 3629, section
# 4), a blank for each control character except the tab.

function mask_bytes(text,   made) {
    while (match(text, /[\200-\377]/)) {
        made = made substr(text, 1, RSTART - 1); text = substr(text, RSTART)
        if (match(text, /^([\302-\337]|\340[\240-\277]|[\341-\354\356\357][\200-\277]|\355[\200-\237]|\360[\220-\277][\200-\277]|[\361-\363][\200-\277][\200-\277]|\364[\200-\217][\200-\277])[\200-\277]/)) {
            made = made substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
        } else { made = made "?"; text = substr(text, 2) }
    }
    return made text
}
function escape_json(text) {
    text = mask_bytes(text)
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\t", text); gsub(/[\001-\037]/, " ", text)
    return text
}

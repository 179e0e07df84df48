# Reads a Compose document as JSON or YAML in which Compose substituted the values of the old .env. Writes NAME=VALUE, with
# `!` before the name if no line can hold the value; nothing if it is `unset`. Requires adoption/unquote.

/^ *"BUNDLE_[A-Za-z0-9_]*": ".*",?$/ {
    sub(/^ *"BUNDLE_/, ""); sub(/,$/, "")
    name = substr($0, 1, index($0, "\"") - 1); text = unquote(substr($0, index($0, ":") + 2))
    if (name == "DOLLAR") { twice = text == "a$$b"; next }
    if (twice) gsub(/\$\$/, "$", text)
    if (text == unset) next
    print (odd || text ~ /[\001-\037]/ ? "!" : "") substr(name, 4) "=" text
}

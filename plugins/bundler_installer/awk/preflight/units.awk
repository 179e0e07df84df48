# Writes the bytes of an amount such as `512m`, `1.5gb` or `1GiB`, by powers of 1024, as Compose counts: the Compose
# specification, "Specifying byte values". Writes nothing for another form.

{
    text = tolower($0); gsub(/ /, "", text)
    if (text !~ /^[0-9]+(\.[0-9]+)?([kmgtp]i?)?b?$/) exit
    number = text + 0; match(text, /[kmgtp]/)
    power = RSTART ? index("kmgtp", substr(text, RSTART, 1)) : 0
    for (; power > 0; power--) number *= 1024
    printf "%.0f", number
}

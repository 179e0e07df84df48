# Reads a secret in hex. Writes it percent-encoded as in addresses, with lower-case and with upper-case hex digits.

BEGIN {
    for (code = 33; code < 127; code++) plain[sprintf("%02x", code)] = sprintf("%c", code)
}
{
    for (i = 1; i < length($0); i += 2) {
        byte = substr($0, i, 2); shown = plain[byte]
        lower = lower (shown ~ /^[A-Za-z0-9._~-]$/ ? shown : "%" byte)
        upper = upper (shown ~ /^[A-Za-z0-9._~-]$/ ? shown : "%" toupper(byte))
    }
    print lower; print upper
}

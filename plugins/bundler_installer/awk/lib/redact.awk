# Reads a text, and from the file `forms` the forms of secrets. Writes the text without secrets, private keys, passwords in
# addresses and sequences that move the cursor. If it is `live`, each line is written at once.

BEGIN { while ((getline line < forms) > 0) form[++n] = line }
{
    gsub(/\033\[[0-9;]*[A-Za-z]/, "")
    if (in_key) { if ($0 ~ /-----END[A-Z ]*PRIVATE KEY-----/) in_key = 0; else next }
    while (match($0, /-----BEGIN[A-Z ]*PRIVATE KEY-----/)) {
        head = substr($0, 1, RSTART - 1); tail = substr($0, RSTART + RLENGTH)
        if (match(tail, /-----END[A-Z ]*PRIVATE KEY-----/)) {
            $0 = head "[private key]" substr(tail, RSTART + RLENGTH)
        } else { $0 = head "[private key]"; in_key = 1 }
    }
    for (i = 1; i <= n; i++) $0 = mask($0, form[i])
    rest = $0; done = ""
    while (match(rest, /:\/\/[^\/@: \t"]*:[^\/@ \t"]+@/)) {
        address = substr(rest, RSTART, RLENGTH)
        colon = 3 + index(substr(address, 4), ":")
        done = done substr(rest, 1, RSTART - 1) substr(address, 1, colon) "******@"
        rest = substr(rest, RSTART + RLENGTH)
    }
    print done rest
    if (live) fflush()
}
function mask(text, secret,   out, at) {
    while ((at = index(text, secret)) > 0) {
        out = out substr(text, 1, at - 1) "******"
        text = substr(text, at + length(secret))
    }
    return out text
}

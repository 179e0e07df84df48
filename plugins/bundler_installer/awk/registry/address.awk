# Reads a URL or the value of Location (RFC 9110, 10.2.2), and writes the origin in lower case, without the port that the scheme
# has anyway, and the whole URL. What is relative is meant to `base`. Writes nothing for what is no URL of HTTP, holds a user, or
# has characters that no URL can have.

function origin(url,   scheme, host) {
    if (!match(url, /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\/?#@\\]+/)) return ""
    host = tolower(substr(url, 1, RLENGTH)); url = substr(url, RLENGTH + 1)
    if (url !~ /^([\/?#]|$)/) return ""
    scheme = host; sub(/:.*/, "", scheme)
    if (scheme == "https") sub(/:443$/, "", host)
    else sub(/:80$/, "", host)
    return host
}
NR == 1 {
    url = $0
    if (url == "" || url ~ /[^!-~]/ || url ~ /["\\<>^`{|}]/) exit
    if (url !~ /^[A-Za-z][A-Za-z0-9+.-]*:\/\//) {
        match(base, /^[a-zA-Z]+:\/\/[^\/?#]+/); top = substr(base, 1, RLENGTH)
        path = substr(base, RLENGTH + 1); sub(/[?#].*/, "", path)
        if (url ~ /^\/\//) { sub(/\/\/.*/, "", top); url = top url }
        else if (url ~ /^\//) url = top url
        else if (url ~ /^\?/) url = top path url
        else { sub(/[^\/]*$/, "", path); url = top (path == "" ? "/" : path) url }
    }
    sub(/#.*/, "", url)
    if (origin(url) != "") print origin(url) "\t" url
}

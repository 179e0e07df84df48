# Reads values of WWW-Authenticate (RFC 9110, 11.6.1), one a line: a list of challenges, each a scheme with parameters or one
# token. Writes scheme, parameter and value, the first two in lower case, - for none. Exits with 1 at what it does not understand.

function quoted(   made, one) {
    rest = substr(rest, 2)
    while (1) {
        match(rest, /^[^"\\]*/)
        made = made substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
        one = substr(rest, 1, 1)
        if (one == "") { bad = 1; return made }
        if (one == "\"") { rest = substr(rest, 2); return made }
        made = made substr(rest, 2, 1); rest = substr(rest, 3)
    }
}
/\t/ { gsub(/\t/, " ") }
{
    rest = $0; scheme = ""
    while (!bad) {
        sub(/^[ ,]+/, "", rest)
        if (rest == "") break
        if (!match(rest, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/)) { bad = 1; break }
        word = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
        if (scheme != "" && match(rest, /^ *= *["!#$%&'*+.^_`|~0-9A-Za-z-]/)) {
            sub(/^ *= */, "", rest)
            if (substr(rest, 1, 1) == "\"") value = quoted()
            else { match(rest, /^[^ ,]+/); value = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1) }
            if (!bad) print scheme "\t" tolower(word) "\t" (value == "" ? "-" : value)
        } else if (rest == "" || rest ~ /^[ ,]/) {
            scheme = tolower(word)
            print scheme "\t-\t-"
            # a token instead of parameters
            if (rest ~ /^ +[A-Za-z0-9._~+\/-]+=* *(,|$)/ && rest !~ /^ +[A-Za-z0-9._~+-]+ *(,|$)/) sub(/^[^,]*/, "", rest)
        } else sub(/^[^,]*/, "", rest)
    }
}
END { exit bad }

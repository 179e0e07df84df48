# Reads the lines of read_old. Writes the value of the variable `name` of `service`; exits with 1 if it does not exist or is
# empty, with 2 if no line can hold it.

$OLD_SETTING["service"] != service { next }
$OLD_SETTING["fact"] == "X" && $OLD_SETTING["text"] == name { code = 2; exit }
$OLD_SETTING["fact"] == "E" {
    text = substr($0, length(service) + 4); at = index(text, "=")
    if (substr(text, 1, at - 1) != name) next
    code = at == length(text) ? 1 : 0
    if (!code) print substr(text, at + 1)
    found = 1; exit
}
END { exit code ? code : !found }

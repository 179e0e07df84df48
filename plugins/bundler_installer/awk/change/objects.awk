# Reads a table. Writes a JSON object per line, with the `names` of its fields. Requires lib/json.

BEGIN { n = split(names, name, " ") }
{
    printf "%s{", comma
    for (i = 1; i <= n; i++) printf "%s\"%s\": %s", (i > 1 ? ", " : ""), name[i], (name[i] == "bytes" ? $i : "\"" escape_json($i) "\"")
    printf "}"; comma = ", "
}

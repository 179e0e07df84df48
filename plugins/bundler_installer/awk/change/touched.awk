# Reads config/compose.yaml, which the builder indents by two blanks per level, and from files the rows of `mounted.tsv` (`old`
# those of the installed release), paths below config/ that change (`files`), and names of variables whose values change
# (`names`). Writes the services that get another definition or other mounted files through them.

BEGIN {
    while ((getline line < names) > 0) changing[line]
    while ((getline line < files) > 0) { split(line, f, "\t"); paths["config/" f[EDIT["path"]]] }
    while ((getline line < old) > 0) known[line]
    while ((getline line < mounts) > 0) {
        split(line, f, "\t"); service = f[MOUNT["service"]]; path = f[MOUNT["path"]]
        if (f[MOUNT["variable"]] in changing) print service
        if (f[MOUNT["text"]] != "-" && !(line in known)) print service
        if (path == "-") continue
        for (each in paths) if (each == path || index(each, path "/") == 1) print service
    }
}
/^[^ ]/ { inside = ($0 == "services:") }
inside && /^  [^ #]/ { service = substr($0, 3); sub(/:.*/, "", service); gsub(/["\047]/, "", service) }
inside && /\$/ {
    rest = $0
    while (match(rest, /\$(\$|\{?[A-Za-z_][A-Za-z0-9_]*)/)) {
        name = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
        gsub(/[${]/, "", name)
        if (name in changing) print service
    }
}

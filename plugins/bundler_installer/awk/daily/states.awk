# Reads the lines of list_containers, and from the file `services` the table of that name. Writes a line per service: name,
# expected state, states of its containers.

{ state[$1] = state[$1] (state[$1] ? "," : "") $2 ($3 != "none" ? "/" $3 : "") }
END {
    while ((getline line < services) > 0) {
        split(line, f, "\t"); name = f[SERVICE["service"]]
        printf "%s\t%s\t%s\n", name, f[SERVICE["expect"]], (name in state ? state[name] : "-")
    }
}

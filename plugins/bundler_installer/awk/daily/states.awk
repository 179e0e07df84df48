# Reads the lines of list_containers, and from the file `services` the table of that name. Writes a line per service: name,
# expected state, states of its containers. If the operator `stopped` all services, those that have ended are `stopped`, except
# for jobs that are done.

BEGIN {
    while ((getline line < services) > 0) {
        split(line, f, "\t"); name[++n] = f[SERVICE["service"]]; expect[name[n]] = f[SERVICE["expect"]]
    }
}
{
    is = $2 ($3 != "none" ? "/" $3 : "")
    if (stopped != "" && $2 != "dead" && !(expect[$1] == "completed" && $4 == 0)) is = "stopped"
    state[$1] = state[$1] (state[$1] ? "," : "") is
}
END {
    for (i = 1; i <= n; i++) printf "%s\t%s\t%s\n", name[i], expect[name[i]], (name[i] in state ? state[name[i]] : "-")
}

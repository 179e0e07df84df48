# containers that Compose had half replaced: the ID of each, and the name that it gets; none if it is to be removed, because the
# one that it replaces is there. Lines of input: those of list_containers.
# A project or a container can have a name that only looks like that
{
    for (i = 7; i < NF && $i !~ /^\//; i++); # columns before the name can be empty
    id[NR] = $6; name[NR] = substr($i, 2); place[NR] = $1 " " $(i + 1); usual[NR] = project "-" $1 "-" $(i + 1); marked[NR] = $(i + 2)
}
END {
    for (i = 1; i <= NR; i++) {
        if (name[i] !~ /^[0-9a-f]+_./ || index(name[i], "_") != 13) continue
        for (other = 1; other <= NR; other++)
            if (other != i && place[other] == place[i] && (name[other] == substr(name[i], 14) || index(id[other], substr(name[i], 1, 12)) == 1)) break
        if (other > NR && marked[i] == "" && substr(name[i], 14) != usual[i]) continue
        print id[i], (other > NR ? substr(name[i], 14) : "")
    }
}

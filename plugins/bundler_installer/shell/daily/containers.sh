# ---- daily/containers: the containers of the services, what they use, and their processes

WATCH_PACE=5 # seconds between two looks of --watch

# repeat COMMAND...: run it; with --watch again and again, each time after the last output on a terminal was cleared
repeat() {
    if [ -z "$WATCH" ]; then
        "$@"
        return
    fi
    while :; do
        {
            if [ -t 1 ]; then printf '\033[H\033[2J' >"$SCRATCH/watched"; else empty_file "$SCRATCH/watched"; fi
            [ -n "$JSON" ] || print_line watch.head "$(date '+%Y-%m-%d %H:%M:%S')" "$WATCH_PACE" >>"$SCRATCH/watched"
            ("$@") >>"$SCRATCH/watched" 2>&1
        }
        show_file "$SCRATCH/watched"
        sleep "$WATCH_PACE"
    done
}

run_ps() {
    use_current
    check_services
    if [ -n "$NAMES" ]; then
        show_file "$SCRATCH/service-names"
        return 0
    fi
    use_installed
    list_chosen --all || lose_target
    show print_containers
}

print_containers() {
    local service='' name='' status='' ports=''
    {
        print_line ps.head
        while read_listed_container service name status ports; do
            printf '%s\t%s\t%s\t%s\n' "$service" "$name" "$status" "${ports:--}"
        done <"$SCRATCH/chosen"
    } | print_columns
}

run_top() {
    use_named
    repeat look_at_use
}

look_at_use() {
    list_chosen || lose_target
    [ -s "$SCRATCH/chosen" ] || fail $EXIT_FAILED top.none "$ROOT/${NAME}ctl"
    cut_column chosen id <"$SCRATCH/chosen" >"$SCRATCH/ids"
    measure_use || lose_use
    show print_use
}

# print_use: a line per container; below it, the processes of services that were named
print_use() {
    local name='' cpu='' memory='' share='' id=''
    {
        print_line top.head
        while read_container_use name cpu memory share; do
            printf '%s\t%s\t%s\t%s\n' "$name" "$cpu" "$share" "$memory"
        done <"$SCRATCH/stats"
    } | print_columns
    [ -n "$SERVICES" ] || return 0
    while read_listed_container id name <&5; do
        printf '\n%s\n' "$name"
        list_processes "$id" 2>&1 | redact
    done 5<"$SCRATCH/chosen"
}

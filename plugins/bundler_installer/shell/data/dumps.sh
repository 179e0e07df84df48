# ---- data/dumps: databases are dumped and restored by commands in their services' containers

# list_dumps: id, service, backup, restore
list_dumps() { [ ! -f "$FACTS/dumps.tsv" ] || rows dumps.tsv; }

dump_services() { list_dumps | cut_column dumps.tsv service | sort -u; }

# start_dump_services: start only the services in which dumps are made, and wait until they are healthy
start_dump_services() {
    local service
    for service in $(dump_services); do
        if ! service_is_well "$service"; then
            start_one "$service" ||
                fail $EXIT_FAILED dumps.no_service "$service" "$(redact <"$SCRATCH/up" | tail -n 3)"
        fi
    done
    for service in $(dump_services); do wait_for_service "$service"; done
}

# wait_for_service SERVICE: wait until it is healthy; WELL_TIMES is 2 for a new database, which starts twice; the checks are
# three seconds apart
wait_for_service() {
    local limit waited well
    limit=${TIMEOUT:-$(number_fact health_timeout)}
    [ "$limit" -gt 0 ] || limit=600
    waited=0 well=0
    while [ "$well" -lt "${WELL_TIMES:-1}" ]; do
        if service_is_well "$1"; then well=$((well + 1)); else well=0; fi
        [ "$well" -lt "${WELL_TIMES:-1}" ] || break
        [ "$waited" -lt "$limit" ] || fail $EXIT_FAILED dumps.not_healthy "$1" "$limit"
        if [ "$well" -gt 0 ]; then sleep 3; else sleep 1; fi
        waited=$((waited + 1))
    done
}

service_is_well() {
    list_containers | awk -v service="$1" '
        $1 == service { seen++; if ($2 == "running" && ($3 == "healthy" || $3 == "none")) well++ }
        END { exit !(seen && well == seen) }'
}

# dump_databases: write each dump to a file of the backup
dump_databases() {
    local id='' service='' backup=''
    mkdir -p "$PART/dumps" || fail $EXIT_FAILED release.disk "$backups"
    while read_dump id service backup <&5; do
        say backup.dump "$id"
        expect_file "$PART" "dumps/$id${ENCRYPT:+.enc}" -
        metered dump "$id" store "dumps/$id" run_in "$service" sh -c "$backup" </dev/null || {
            blame_scratch
            fail $EXIT_FAILED dumps.failed "$id" "$service" "$(redact <"$SCRATCH/store-errors" | tail -n 3)"
        }
        [ -s "$PART/dumps/$id" ] || [ -s "$PART/dumps/$id.enc" ] || fail $EXIT_FAILED dumps.empty "$id" "$service"
    done 5<"$SCRATCH/dumps"
}

# feed_databases: restore each from its file, in the declared order
feed_databases() {
    local id='' service='' restore=''
    list_dumps >"$SCRATCH/dumps" || fail_reading "$HERE"
    while read_dump id service restore <&5; do
        say restore.dump "$id"
        pour "dumps/$id" run_in "$service" sh -c "$restore" ||
            fail $EXIT_FAILED dumps.not_taken "$id" "$service" "$(redact <"$SCRATCH/pour-errors" | tail -n 3)"
    done 5<"$SCRATCH/dumps"
}

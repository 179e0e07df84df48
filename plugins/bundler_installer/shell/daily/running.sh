# ---- daily/running: start and stop the services, read their logs, run programs in them

# begin_run: use the installed release, and take the lock
begin_run() {
    use_installed
    take_lock
    resume_change start
}

# use_named: use the installed release, which has the services that the operator named
use_named() {
    use_current
    check_services
    use_installed
}

# check_services: end the run if one was named that the release does not have
check_services() {
    local each
    keep "$SCRATCH/service-names" list_column services.tsv service
    for each in $SERVICES; do
        grep -qxF -- "$each" "$SCRATCH/service-names" ||
            fail $EXIT_USAGE services.unknown "$each" "$(awk '{ printf "%s%s", comma, $0; comma = ", " }' "$SCRATCH/service-names")"
    done
}

# name_startable: use the installed release, which has the services that the operator named; none of them is a job
name_startable() {
    local each
    use_named
    for each in $SERVICES; do
        [ "$(look_up services.tsv service "$each" expect)" != completed ] ||
            fail $EXIT_USAGE services.job "$each" "$ROOT/${NAME}ctl"
    done
}

run_start() {
    name_startable
    begin_run
    images_are_there || load_images # the engine may have lost some
    start_or_explain
}

run_stop() {
    use_named
    take_lock
    if [ -n "$SERVICES" ]; then
        stop_services
        say services.chosen_stopped "$SERVICES" "$ROOT/${NAME}ctl"
        return 0
    fi
    list_containers >"$SCRATCH/containers" || lose_target
    stop_services
    [ "$(sed -n 1p "$ROOT/state/finished" 2>/dev/null)" = stopped ] || note_finished stopped
    say services.stopped
}

# run_restart: `compose restart` is not used, because it starts completed jobs together with the database that they need
run_restart() {
    name_startable
    begin_run
    stop_services
    start_or_explain
}

run_logs() {
    use_named
    set -- --tail "$TAIL"
    [ -z "$FOLLOW" ] || set -- "$@" --follow
    [ -z "$SINCE" ] || set -- "$@" --since "$SINCE"
    # shellcheck disable=SC2086 # word splitting is intended
    set -- "$@" $SERVICES
    [ -f "$SCRATCH/secret-forms" ] || list_secret_forms || lose_scratch
    {
        read_logs "$@" 2>&1
        printf '%s\n' $? >"$SCRATCH/logs-code"
    } | print_logs || leave 141 # nobody reads them
    [ "$(cat "$SCRATCH/logs-code" 2>/dev/null)" = 0 ] || fail $EXIT_FAILED services.no_logs
}

# print_logs: standard input without secrets, and no complaint of awk if the reader is gone
print_logs() {
    if [ -n "$FOLLOW" ]; then redact_live; else redact; fi 2>"$SCRATCH/logs-errors"
}

# run_exec [PROGRAM [ARGUMENT...]]: with a terminal if there is one; ends with the program's exit code
run_exec() {
    [ "${1:-}" != -- ] || shift
    if [ -z "$SERVICES" ] || [ $# -eq 0 ]; then fail $EXIT_USAGE services.no_program "$(name_help)"; fi
    use_named
    set -- "$SERVICES" "$@"
    if [ ! -t 0 ] || [ ! -t 1 ]; then set -- -T "$@"; fi
    note_told # by the program
    attach_to "$@"
    leave $?
}

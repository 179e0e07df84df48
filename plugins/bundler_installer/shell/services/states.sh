# ---- services/states: what state the services are in, and whether it is the one that the bundle requires

# list_expected: the lines of services.tsv, or those of the services that the operator named
list_expected() {
    rows services.tsv >"$SCRATCH/all-services" || return 1
    awk -F "$TAB" -v chosen=" $SERVICES " "$AWK_SERVICE"'
        chosen == "  " || index(chosen, " " $SERVICE["service"] " ")' "$SCRATCH/all-services"
}

# read_states: sets `waiting`, `broken`, `young` and `over` from the engine's data: services, separated by blanks, the
# containers without a health check that this run started, which are considered well as soon as they run, and the broken
# services that ended with 0
read_states() {
    local expected
    list_containers >"$SCRATCH/containers" || return 1
    list_expected >"$SCRATCH/services" || return 1
    expected=$(wc -l <"$SCRATCH/services") || return 1
    awk -v services="$SCRATCH/services" -v before="$SCRATCH/before" -v up="$up_code" -v early="$early" \
        -v expected="$expected" -v finished="$ROOT/state/finished" -v boot="$(boot_id)" "$AWK_SERVICE$PROGRAM_SERVICES_STATES" "$SCRATCH/containers" >"$SCRATCH/states" || return 1
    { IFS= read -r waiting && IFS= read -r broken && IFS= read -r young && IFS= read -r over; } <"$SCRATCH/states"
}

# rest: services that ran before are ready quickly; others are not queried more than once a second
rest() {
    if [ $(($(date +%s) - started)) -lt 3 ]; then sleep 0.2 2>/dev/null || sleep 1; else sleep 1; fi
}

# have_settled: young containers must keep their state for five seconds; sets `settling` and `settled`
have_settled() {
    [ -n "$young" ] || return 0
    if [ "$young" != "$settling" ]; then settling=$young settled=$(date +%s); fi
    [ $(($(date +%s) - settled)) -ge 5 ]
}

# name_failed: services whose containers are the reason why Compose failed, separated by blanks
name_failed() {
    awk -v waiting=" $waiting" 'index(waiting, " " $1 " ") && ($3 == "unhealthy" || $2 == "restarting" || ($2 == "exited" && $4 != 0)) && !seen[$1]++ {
        printf "%s ", $1
    }' "$SCRATCH/containers"
}

# describe_state SERVICE: state, health and exit code of each of its containers, in the engine's words
describe_state() {
    awk -v service="$1" '
        $1 == service { printf "%s%s%s%s", comma, $2, ($3 != "none" ? "/" $3 : ""), ($2 != "running" ? " " $4 : ""); comma = ", " }
        END { if (!comma) printf "-" }' "$SCRATCH/containers"
}

# note_finished MARK: record which of the listed containers are jobs that have ended, in this boot. If services are `stopped`
# or the server was restarted since, the others that have ended are not mistaken for jobs
note_finished() {
    { awk -v mark="$1" 'BEGIN { print mark } $2 == "exited" && $4 == 0 { print $6 }' "$SCRATCH/containers" >"$SCRATCH/finished" &&
        cat "$SCRATCH/finished" >"$ROOT/state/finished"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

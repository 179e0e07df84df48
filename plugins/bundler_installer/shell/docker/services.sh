# ---- docker/services: start services, wait until they are healthy, and report those that are not

# start_services: `compose up` waits for dependencies without a limit, so it runs in the background with our own timeout;
# sets `broken`
start_services() {
    local limit up up_code started waiting settling early settled='' young=''
    refuse_half_restored
    limit=${TIMEOUT:-$(number_fact health_timeout)}
    [ "$limit" -gt 0 ] || limit=600
    say services.start "$limit"
    list_containers >"$SCRATCH/before" || fail $EXIT_FAILED engine.no_docker
    set -- up -d --remove-orphans
    [ ! -f "$ROOT/state/reconfigured" ] || set -- "$@" --force-recreate
    compose "$@" >"$SCRATCH/up" 2>&1 &
    up=$!
    STARTING=$up
    up_code=''
    started=$(date +%s)
    waiting='' broken='' settling='' early=yes
    while :; do
        [ $(($(date +%s) - started)) -lt 60 ] || early=''
        if [ -z "$up_code" ] && ! kill -0 "$up" 2>/dev/null; then
            wait "$up"
            up_code=$?
        fi
        read_states || { waiting=$PROJECT broken=''; }
        if [ -n "$broken" ]; then break; fi
        if [ -z "$waiting" ] && [ "$up_code" = 0 ]; then
            if have_settled; then break; fi
        elif [ "${up_code:-0}" != 0 ]; then
            broken=${waiting:-$PROJECT}
            redact <"$SCRATCH/up" | tail -n 5 >&2
            break
        elif [ $(($(date +%s) - started)) -ge "$limit" ]; then
            broken=${waiting:-$PROJECT}
            warn services.late "$limit"
            break
        fi
        rest
    done
    [ -n "$up_code" ] || end_tree "$up"
    STARTING=''
    write_log "$(redact <"$SCRATCH/up")"
    [ -z "$broken" ] || return 1
    rm -f "$ROOT/state/stopped" "$ROOT/state/reconfigured" # recorded by a backup or by new answers
    say services.healthy "$(($(date +%s) - started))"
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

# read_states: sets `waiting`, `broken` and `young` from the engine's data: services, separated by blanks, and the containers
# without a health check that this run started. Such a container is considered well as soon as it runs
read_states() {
    local expected
    list_containers >"$SCRATCH/containers" || return 1
    rows services.tsv >"$SCRATCH/services" || return 1
    expected=$(wc -l <"$SCRATCH/services") || return 1
    awk -v services="$SCRATCH/services" -v before="$SCRATCH/before" -v up="$up_code" -v early="$early" \
        -v expected="$expected" "$AWK_SERVICE$PROGRAM_DOCKER_STATES" "$SCRATCH/containers" >"$SCRATCH/states" || return 1
    { IFS= read -r waiting && IFS= read -r broken && IFS= read -r young; } <"$SCRATCH/states"
}

# explain_failure: the last log lines of each service that is not in its expected state, without secrets
explain_failure() {
    local service
    for service in $broken; do
        warn services.not_healthy "$service" "$(describe_state "$service")"
        compose logs --no-color --no-log-prefix --tail 15 "$service" 2>&1 | redact | sed 's/^/    /' | tee -a "${LOG:-/dev/null}" >&2
    done
}

# describe_state SERVICE: state, health and exit code of each of its containers, in the engine's words
describe_state() {
    awk -v service="$1" '
        $1 == service { printf "%s%s%s%s", comma, $2, ($3 != "none" ? "/" $3 : ""), ($2 != "running" ? " " $4 : ""); comma = ", " }
        END { if (!comma) printf "-" }' "$SCRATCH/containers"
}

compose_up_or_explain() {
    local broken='' unproven=''
    start_services || {
        explain_failure
        fail $EXIT_FAILED services.failed "${broken% }" "$ROOT/${NAME}ctl"
    }
    prove_work || fail $EXIT_FAILED probes.unproven "${unproven% }" "$ROOT/${NAME}ctl"
}

# remove_services [--volumes]: remove their containers and networks
remove_services() {
    compose down "$@" --remove-orphans >"$SCRATCH/down" 2>&1 ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
}

stop_all() { compose stop >"$SCRATCH/stop" 2>&1 || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"; }

# stop_project: stop all its services, of any release
stop_project() {
    docker ps -q --filter "label=com.docker.compose.project=$PROJECT" >"$SCRATCH/running" || fail $EXIT_FAILED engine.no_docker
    [ -s "$SCRATCH/running" ] || return 0
    xargs docker stop <"$SCRATCH/running" >/dev/null 2>"$SCRATCH/stop" ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

# refuse_half_restored: a partly restored state must not be started
refuse_half_restored() {
    [ ! -f "$ROOT/state/restore" ] || fail $EXIT_FAILED restore.half "$(sed -n 's/^backup=//p' "$ROOT/state/restore")"
}

# start_step: start, wait until healthy, run the probes, or report what failed
start_step() {
    local broken='' recorded='' unproven=''
    record begin start
    start_services || {
        explain_failure
        record failed start
        fail $EXIT_FAILED services.failed "${broken% }" "$ROOT/${NAME}ctl"
    }
    prove_work || {
        record failed start
        fail $EXIT_FAILED probes.unproven "${unproven% }" "$ROOT/${NAME}ctl"
    }
    record end start
}

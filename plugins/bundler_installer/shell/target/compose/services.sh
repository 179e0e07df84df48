# ---- target/compose/services: start services, wait until they are healthy, and report those that are not

# start_services: of the release, or those that the operator named, which leaves the others as they are. `compose up` waits
# for dependencies without a limit, so it runs in the background with our own timeout;
# sets `broken`, `over` and `refused`: the last if Compose itself failed
start_services() {
    local limit up up_code started waiting settling early settled='' young=''
    refuse_half_restored
    limit=${TIMEOUT:-$(number_fact health_timeout)}
    [ "$limit" -gt 0 ] || limit=600
    say services.start "$limit"
    list_containers >"$SCRATCH/before" || fail $EXIT_FAILED engine.no_docker
    settle_replaced || fail $EXIT_FAILED engine.no_docker
    label_mounts
    if [ -z "$SERVICES" ]; then
        rm -f "$ROOT/state/finished" || fail $EXIT_FAILED release.disk "$ROOT"
        set -- --remove-orphans
    else
        # shellcheck disable=SC2086 # word splitting is intended
        set -- --no-deps $SERVICES
    fi
    compose up -d "$@" >"$SCRATCH/up" 2>&1 &
    up=$!
    STARTING=$up
    up_code=''
    started=$(date +%s)
    waiting='' broken='' over='' refused='' settling='' early=yes
    while :; do
        [ $(($(date +%s) - started)) -lt 60 ] || early=''
        if [ -z "$up_code" ] && ! kill -0 "$up" 2>/dev/null; then
            wait "$up"
            up_code=$?
        fi
        read_states || { waiting='- ' broken=''; } # the engine did not answer
        if [ -n "$broken" ]; then break; fi
        if [ -z "$waiting" ] && [ "$up_code" = 0 ]; then
            if have_settled; then break; fi
        elif [ "${up_code:-0}" != 0 ]; then
            broken=$(name_failed) || broken=''
            break
        elif [ $(($(date +%s) - started)) -ge "$limit" ]; then
            broken=${waiting#- }
            [ -n "$broken" ] || refused=yes # all services are ready, but Compose has not ended
            warn services.late "$limit"
            break
        fi
        rest
    done
    [ -n "$up_code" ] || end_tree "$up"
    STARTING=''
    [ "${up_code:-0}" = 0 ] || refused=yes
    write_log "$(redact <"$SCRATCH/up")"
    [ -z "$broken$refused" ] || return 1
    if [ -n "$SERVICES" ]; then
        say services.chosen_healthy "$(($(date +%s) - started))" "$SERVICES"
        return 0
    fi
    rm -f "$ROOT/state/stopped" # recorded by a backup
    note_finished "$(boot_id)"
    say services.healthy "$(($(date +%s) - started))"
}

# settle_replaced: if a run of Compose was killed while it replaced a container, the new one is still named `<12 digits of the
# old one's ID>_<name>`, and the next run may fail because it creates one of that name again. It is removed where the old one is
# still there, else it gets its name. Source: docker/compose, pkg/compose/reconcile.go of 5.6.0, `planRecreateContainer`
settle_replaced() {
    local each settled
    inspect_containers '{{.ID}} {{.Name}} {{index .Config.Labels "com.docker.compose.service"}} {{index .Config.Labels "com.docker.compose.container-number"}}' \
        --filter label=com.docker.compose.oneoff=False >"$SCRATCH/names" || return 1
    awk "$PROGRAM_COMPOSE_REPLACED" "$SCRATCH/names" >"$SCRATCH/replaced" || return 1
    while read -r each settled; do
        write_log "settled $each ${settled:-removed}"
        if [ -n "$settled" ]; then docker rename "$each" "$settled"; else docker rm -f "$each"; fi >/dev/null 2>"$SCRATCH/settle" ||
            write_log "$(cat "$SCRATCH/settle")" # Compose says what it thinks of that name
    done <"$SCRATCH/replaced"
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

# read_states: sets `waiting`, `broken`, `young` and `over` from the engine's data: services, separated by blanks, the
# containers without a health check that this run started, which are considered well as soon as they run, and the broken
# services that ended with 0
read_states() {
    local expected
    list_containers >"$SCRATCH/containers" || return 1
    list_expected >"$SCRATCH/services" || return 1
    expected=$(wc -l <"$SCRATCH/services") || return 1
    awk -v services="$SCRATCH/services" -v before="$SCRATCH/before" -v up="$up_code" -v early="$early" \
        -v expected="$expected" -v finished="$ROOT/state/finished" -v boot="$(boot_id)" "$AWK_SERVICE$PROGRAM_COMPOSE_STATES" "$SCRATCH/containers" >"$SCRATCH/states" || return 1
    { IFS= read -r waiting && IFS= read -r broken && IFS= read -r young && IFS= read -r over; } <"$SCRATCH/states"
}

# list_expected: the lines of services.tsv, or those of the services that the operator named
list_expected() {
    rows services.tsv >"$SCRATCH/all-services" || return 1
    awk -F "$TAB" -v chosen=" $SERVICES " "$AWK_SERVICE"'
        chosen == "  " || index(chosen, " " $SERVICE["service"] " ")' "$SCRATCH/all-services"
}

# name_failed: services whose containers are the reason why Compose failed, separated by blanks
name_failed() {
    awk -v waiting=" $waiting" 'index(waiting, " " $1 " ") && ($3 == "unhealthy" || $2 == "restarting" || ($2 == "exited" && $4 != 0)) && !seen[$1]++ {
        printf "%s ", $1
    }' "$SCRATCH/containers"
}

# note_finished MARK: record which of the listed containers are jobs that have ended, in this boot. If services are `stopped`
# or the server was restarted since, the others that have ended are not mistaken for jobs
note_finished() {
    { awk -v mark="$1" 'BEGIN { print mark } $2 == "exited" && $4 == 0 { print $6 }' "$SCRATCH/containers" >"$SCRATCH/finished" &&
        cat "$SCRATCH/finished" >"$ROOT/state/finished"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# explain_failure: what Compose said, if it failed, and the last log lines of each service that is not in its expected state,
# without secrets
explain_failure() {
    local service
    [ -z "$refused" ] || quote_compose
    for service in $broken; do
        warn services.not_healthy "$service" "$(describe_state "$service")"
        compose logs --no-color --no-log-prefix --tail 15 "$service" 2>&1 | redact | sed 's/^/    /' | tee -a "${LOG:-/dev/null}" >&2
        case " $over" in *" $service "*) warn services.over "$service" ;; esac
    done
}

# quote_compose: the last lines of Compose's output, without those of its progress such as `Container shop-web-1  Created`,
# and what to do about those that have a known reason
quote_compose() {
    local said
    redact <"$SCRATCH/up" | awk '
        !NF { next }
        /^ *(Container|Network|Volume|Image) [^ ]+ +[A-Z][a-z]+ *$/ { progress = $0; next }
        { print; said = 1 }
        END { if (!said && progress) print progress }' | tail -n 5 >"$SCRATCH/up-end" || lose_scratch
    warn services.refused "$(sed 's/^/    /' "$SCRATCH/up-end")"
    said=$(tr '\n' ' ' <"$SCRATCH/up-end")
    case $said in
        *'port is already allocated'* | *'address already in use'* | *'ports are not available'*) warn services.refused_port ;;
        *'container name'*'is already in use'*) warn services.refused_name ;;
        *'network'*'not found'* | *'network'*'could not be found'*) warn services.refused_network ;;
        *'volume'*'not found'* | *'volume'*'could not be found'*) warn services.refused_volume ;;
        *'No such image'* | *'no such image'* | *'pull access denied'* | *'manifest unknown'* | *'failed to resolve reference'*)
            warn services.refused_image ;;
        *'no space left on device'*) warn services.refused_space ;;
    esac
}

# fail_start: end the run after services that did not start
fail_start() {
    explain_failure
    [ -n "$broken" ] || fail $EXIT_FAILED services.not_started "$ROOT/${NAME}ctl"
    fail $EXIT_FAILED services.failed "${broken% }" "$ROOT/${NAME}ctl"
}

# describe_state SERVICE: state, health and exit code of each of its containers, in the engine's words
describe_state() {
    awk -v service="$1" '
        $1 == service { printf "%s%s%s%s", comma, $2, ($3 != "none" ? "/" $3 : ""), ($2 != "running" ? " " $4 : ""); comma = ", " }
        END { if (!comma) printf "-" }' "$SCRATCH/containers"
}

compose_up_or_explain() {
    local broken='' over='' refused='' unproven=''
    start_services || fail_start
    prove_work || fail $EXIT_FAILED probes.unproven "${unproven% }" "$ROOT/${NAME}ctl"
}

# start_one SERVICE: without those that it depends on, and as it is; what Compose says is in $SCRATCH/up
start_one() {
    settle_replaced || fail $EXIT_FAILED engine.no_docker
    compose up -d --no-deps --no-recreate "$1" >"$SCRATCH/up" 2>&1
}

# create_services [--no-recreate]: create containers and volumes without a start; what Compose says is in $SCRATCH/up
create_services() { compose create "$@" >"$SCRATCH/up" 2>&1; }

# halt [SERVICE...]: stop these services, or all; what Compose says is in $SCRATCH/stop
halt() { compose stop "$@" >"$SCRATCH/stop" 2>&1; }

# list_running: the running containers of the project, of any release
list_running() { docker ps -q --no-trunc --filter "label=com.docker.compose.project=$PROJECT"; }

# start_again CONTAINER...: those that list_running named before they were stopped. The engine completes a stop that was
# requested, and a start before that has no effect, so they are stopped first; within time limits, as signals may be ignored
start_again() {
    within 600 docker stop "$@" >/dev/null 2>&1
    within 120 docker start "$@" >/dev/null 2>&1
}

# run_in SERVICE COMMAND...: in its container, without a terminal
run_in() { compose exec -T "$@"; }

# remove_services [--volumes]: remove their containers and networks
remove_services() {
    compose down "$@" --remove-orphans >"$SCRATCH/down" 2>&1 ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
}

# stop_services: stop all services, or those that the operator named
stop_services() {
    # shellcheck disable=SC2086 # word splitting is intended
    halt $SERVICES || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

# stop_project: stop all its services, of any release
stop_project() {
    list_running >"$SCRATCH/running" || fail $EXIT_FAILED engine.no_docker
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
    local broken='' over='' refused='' recorded='' unproven=''
    record begin start
    start_services || {
        record failed start
        fail_start
    }
    prove_work || {
        record failed start
        fail $EXIT_FAILED probes.unproven "${unproven% }" "$ROOT/${NAME}ctl"
    }
    record end start
}

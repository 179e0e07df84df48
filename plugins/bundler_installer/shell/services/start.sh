# ---- services/start: start services, wait until they are healthy, and report those that are not

# refuse_half_restored: a partly restored state must not be started
refuse_half_restored() {
    [ ! -f "$ROOT/state/restore" ] || fail $EXIT_FAILED restore.half "$(sed -n 's/^backup=//p' "$ROOT/state/restore")"
}

# start_services: of the release, or those that the operator named, which leaves the others as they are. What starts them waits
# for dependencies without a limit, so it runs in the background with our own timeout;
# sets `broken`, `over` and `refused`: the last if the target itself failed
start_services() {
    local limit up up_code started waiting settling early settled='' young=''
    refuse_half_restored
    limit=${TIMEOUT:-$(number_fact health_timeout)}
    [ "$limit" -gt 0 ] || limit=600
    say services.start "$limit"
    list_containers >"$SCRATCH/before" || lose_target
    prepare_launch
    [ -n "$SERVICES" ] || rm -f "$ROOT/state/finished" || fail $EXIT_FAILED release.disk "$ROOT"
    # shellcheck disable=SC2086 # word splitting is intended
    launch $SERVICES >"$SCRATCH/up" 2>&1 &
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
            [ -n "$broken" ] || refused=yes # all services are ready, but what starts them has not ended
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

# explain_failure: what the target said, if it failed, and the last log lines of each service that is not in its expected state,
# without secrets
explain_failure() {
    local service
    [ -z "$refused" ] || quote_refusal
    for service in $broken; do
        warn services.not_healthy "$service" "$(describe_state "$service")"
        read_logs --no-color --no-log-prefix --tail 15 "$service" 2>&1 | redact | sed 's/^/    /' | tee -a "${LOG:-/dev/null}" >&2
        name_reasons "$service"
        case " $over" in *" $service "*) warn services.over "$service" ;; esac
    done
}

# fail_start: end the run after services that did not start
fail_start() {
    explain_failure
    [ -n "$broken" ] || fail $EXIT_FAILED services.not_started "$ROOT/${NAME}ctl"
    fail $EXIT_FAILED services.failed "${broken% }" "$ROOT/${NAME}ctl"
}

start_or_explain() {
    local broken='' over='' refused='' unproven=''
    start_services || fail_start
    prove_work || fail $EXIT_FAILED probes.unproven "${unproven% }" "$ROOT/${NAME}ctl"
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

# stop_services: stop all services, or those that the operator named
stop_services() {
    # shellcheck disable=SC2086 # word splitting is intended
    halt $SERVICES || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

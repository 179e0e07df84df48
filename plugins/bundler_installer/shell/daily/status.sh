# ---- daily/status: which services run, and in which state

# run_status: the exit code reflects services and probes; other things that need attention are only marked
run_status() { repeat look_at_status; }

look_at_status() {
    local up_code failing troubled stopped early='' broken='' waiting='' young='' over=''
    use_installed
    DOCKER=yes
    list_containers >"$SCRATCH/containers" || lose_target
    stopped=''
    if are_stopped; then stopped=yes; fi
    rows services.tsv >"$SCRATCH/services"
    awk -v services="$SCRATCH/services" -v stopped="$stopped" "$AWK_SERVICE$PROGRAM_DAILY_STATES" "$SCRATCH/containers" >"$SCRATCH/status"
    empty_file "$SCRATCH/before"
    up_code=0
    read_states || lose_target
    empty_file "$SCRATCH/inspection"
    inspect_site
    rm -rf "$SCRATCH/probing" || lose_scratch # results of an earlier look
    empty_file "$SCRATCH/probes"
    [ -n "$stopped" ] || keep "$SCRATCH/probes" list_probes
    make_probes
    failing=$(awk -F "$TAB" "$AWK_PROBED"'$PROBED["result"] == "fail" { printf "%s ", $PROBED["id"] }' "$SCRATCH/probed") || lose_scratch
    if [ -n "$JSON" ]; then show print_status_json; else show print_status; fi
    troubled=$(count_troubled)
    if [ -z "$JSON" ] && [ "$troubled" -gt 0 ]; then warn inspect.troubled "$troubled"; fi
    if [ -n "$stopped$waiting$broken$failing" ]; then
        [ -n "$JSON" ] || explain_status
        leave $EXIT_FAILED
    fi
    say status.well
}

# are_stopped: whether `stop` stopped the services, and none has been started since
are_stopped() {
    [ "$(sed -n 1p "$ROOT/state/finished" 2>/dev/null)" = stopped ] || return 1
    ! awk '$2 == "running" || $2 == "restarting" || $2 == "paused" { found = 1 } END { exit !found }' "$SCRATCH/containers"
}

# explain_status: why the exit code is not 0
explain_status() {
    if [ -n "$stopped" ]; then
        warn status.stopped "$ROOT/${NAME}ctl"
        return 0
    fi
    [ -z "$waiting$broken" ] || warn status.unwell "${waiting% }"
    [ -z "$failing" ] || warn status.unproven "${failing% }"
}

print_status() {
    print_line status.release "$TITLE" "$VERSION" "$PROFILE" "$RELEASE"
    {
        print_line status.head
        cat "$SCRATCH/status"
    } | print_columns
    print_probes
    print_records
}

print_status_json() {
    local comma service='' expect='' state=''
    printf '{"name": "%s", "version": "%s", "profile": "%s", "release": "%s", "stopped": %s, "services": [' \
        "$NAME" "$VERSION" "$PROFILE" "$RELEASE" "$(if [ -n "$stopped" ]; then echo true; else echo false; fi)"
    comma=''
    while read_service_state service expect state; do
        printf '%s\n  {"service": %s, "expect": "%s", "state": %s}' "$comma" \
            "$(json_string "$service")" "$expect" "$(json_string "$state")"
        comma=,
    done <"$SCRATCH/status"
    printf '\n], '
    print_probes_json
    printf ', '
    print_records_json
    printf '}\n'
}

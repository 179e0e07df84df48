# ---- daily/status: which services run, and in which state

# run_status: the exit code reflects services and probes; other things that need attention are only marked
run_status() {
    local up_code failing troubled early='' broken='' waiting='' young='' over=''
    use_installed
    DOCKER=yes
    list_containers >"$SCRATCH/containers" || fail $EXIT_FAILED engine.no_docker
    rows services.tsv >"$SCRATCH/services"
    awk -v services="$SCRATCH/services" "$AWK_SERVICE$PROGRAM_DAILY_STATES" "$SCRATCH/containers" >"$SCRATCH/status"
    empty_file "$SCRATCH/before"
    up_code=0
    read_states || fail $EXIT_FAILED engine.no_docker
    empty_file "$SCRATCH/inspection"
    inspect_site
    keep "$SCRATCH/probes" list_probes
    make_probes
    failing=$(awk -F "$TAB" "$AWK_PROBED"'$PROBED["result"] == "fail" { printf "%s ", $PROBED["id"] }' "$SCRATCH/probed") || lose_scratch
    if [ -n "$JSON" ]; then
        print_status_json
    else
        say status.release "$TITLE" "$VERSION" "$PROFILE" "$RELEASE"
        {
            format status.head
            printf '\n'
            cat "$SCRATCH/status"
        } | awk -F "$TAB" "$AWK_SERVICE_STATE"'{
            printf "%-24s %-12s %s\n", $SERVICE_STATE["service"], $SERVICE_STATE["expect"], $SERVICE_STATE["state"]
        }'
        print_probes
        print_records
        troubled=$(count_troubled)
        [ "$troubled" -eq 0 ] || warn inspect.troubled "$troubled"
    fi
    if [ -n "$waiting$broken$failing" ]; then
        if [ -z "$JSON" ]; then
            [ -z "$waiting$broken" ] || warn status.unwell "${waiting% }"
            [ -z "$failing" ] || warn status.unproven "${failing% }"
        fi
        exit $EXIT_FAILED
    fi
    say status.well
}

print_status_json() {
    local comma service='' expect='' state=''
    printf '{"name": "%s", "version": "%s", "profile": "%s", "release": "%s", "services": [' "$NAME" "$VERSION" "$PROFILE" "$RELEASE"
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

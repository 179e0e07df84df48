# ---- daily/status: what runs, and how it does

# run_status: its exit code is that of the services and probes; what else needs attention is marked
run_status() {
    use_installed
    DOCKER=yes
    list_containers >"$SCRATCH/containers" || fail $EXIT_FAILED engine.no_docker
    rows services.tsv >"$SCRATCH/services"
    awk -v services="$SCRATCH/services" '
        { state[$1] = state[$1] (state[$1] ? "," : "") $2 ($3 != "none" ? "/" $3 : "") }
        END {
            while ((getline line < services) > 0) {
                split(line, f, "\t")
                printf "%s\t%s\t%s\n", f[1], f[3], (f[1] in state ? state[f[1]] : "-")
            }
        }' "$SCRATCH/containers" >"$SCRATCH/status"
    : >"$SCRATCH/before"
    up_code=0
    read_states || fail $EXIT_FAILED engine.no_docker
    : >"$SCRATCH/inspection"
    inspect_site
    keep "$SCRATCH/probes" list_probes
    make_probes
    failing=$(awk -F "$TAB" '$2 == "fail" { printf "%s ", $1 }' "$SCRATCH/probed") || lose_scratch
    if [ -n "$JSON" ]; then
        print_status_json
    else
        say status.release "$TITLE" "$VERSION" "$PROFILE" "$RELEASE"
        {
            format status.head
            printf '\n'
            cat "$SCRATCH/status"
        } | awk -F "$TAB" '{ printf "%-24s %-12s %s\n", $1, $2, $3 }'
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
    printf '{"name": "%s", "version": "%s", "profile": "%s", "release": "%s", "services": [' "$NAME" "$VERSION" "$PROFILE" "$RELEASE"
    comma=''
    while IFS="$TAB" read -r service expect state; do
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

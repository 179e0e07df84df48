# ---- preflight: is this server good enough? Changes nothing

run_preflight() {
    collect_variables
    run_checks
    if [ -n "$JSON" ]; then print_checks_json; else print_checks; fi
    failures=$(count_results fail)
    warnings=$(count_results warn)
    [ -z "$STRICT" ] || failures=$((failures + warnings))
    if [ "$failures" -gt 0 ]; then
        fail $EXIT_PREFLIGHT preflight.failed "$failures"
    fi
    say preflight.passed "$warnings"
}

run_checks() {
    : >"$SCRATCH/checks"
    check_platform
    check_cpu
    check_memory
    check_docker
    check_compose
    check_compact
    check_disk
    check_ports
}

count_results() { awk -F "$TAB" -v result="$1" '$2 == result { n++ } END { print n + 0 }' "$SCRATCH/checks"; }

print_checks() {
    while IFS="$TAB" read -r id result measured required; do
        case $result in
            pass) mark="${GREEN}✓$PLAIN" ;;
            fail) mark="${RED}✗$PLAIN" ;;
            *) mark="${YELLOW}!$PLAIN" ;;
        esac
        said=$(format preflight.line "$(format "check.$id")" "$measured" "$required")
        printf '%s %s\n' "$mark" "$said"
        write_log "$result $said"
        case $result in
            warn | fail) printf '    %s\n' "$(format "remedy.$id")" ;;
            accepted) printf '    %s\n' "$(format preflight.accepted "$id")" ;;
        esac
    done <"$SCRATCH/checks"
}

print_checks_json() {
    printf '{"name": "%s", "version": "%s", "checks": [' "$NAME" "$VERSION"
    comma=''
    while IFS="$TAB" read -r id result measured required; do
        printf '%s\n  {"id": "%s", "result": "%s", "measured": %s, "required": %s, "remedy": %s}' "$comma" "$id" "$result" \
            "$(json_string "$measured")" "$(json_string "$required")" "$(json_string "$(format "remedy.$id")")"
        comma=,
    done <"$SCRATCH/checks"
    printf '\n]}\n'
}

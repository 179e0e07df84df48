# ---- preflight/verdict: whether this server meets the requirements. Changes nothing

# make_checks: all checks except those that need a container
make_checks() {
    empty_file "$SCRATCH/checks"
    read_engine
    resolve_document
    walk_checks ''
}

# judge_checks: end the run if a check failed, or with --strict if one warned
judge_checks() {
    local failures
    failures=$(count_results fail)
    [ -z "$STRICT" ] || failures=$((failures + $(count_results warn)))
    [ "$failures" -eq 0 ] || fail $EXIT_PREFLIGHT preflight.failed "$failures"
}

run_preflight() {
    collect_variables
    end_at_mistakes
    make_checks
    if [ -n "$PROBE" ]; then run_probe; fi
    [ -z "$REPORT" ] || write_report
    if [ -n "$JSON" ]; then show print_checks_json; else show print_checks all; fi
    judge_checks
    say preflight.passed "$(count_results pass)" "$(count_results warn)" "$(count_results accepted)"
}

# preflight_or_stop: before an installation; only results that are not `pass` are shown. Mistakes of the operator and failed
# checks are one list. With --json all results are printed
preflight_or_stop() {
    make_checks
    [ -z "$REPORT" ] || write_report
    if is_mistaken; then list_failed; fi
    end_at_mistakes
    if [ -n "$JSON" ]; then show print_checks_json; else show print_checks bad; fi
    judge_checks
    say preflight.passed "$(count_results pass)" "$(count_results warn)" "$(count_results accepted)"
}

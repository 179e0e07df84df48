# ---- install: the steps, each of which can be run again

run_install() {
    require_tools
    [ -z "$INSTALLED" ] || fail $EXIT_USAGE install.installed "$ROOT"
    say install.start "$TITLE" "$VERSION" "$PROFILE" "$ROOT"
    name_release
    collect_variables
    preflight_or_stop
    verify_bundle
    take_lock
    require_engine
    complete_variables
    check_collected
    check_certificates
    step variables write_variables
    step release prepare_release
    step data make_data
    step certificates place_certificates
    step images load_images
    step pin-key pin_key
    step switch switch_release
    use_current
    record begin start
    start_services || {
        record failed start
        explain_failure
        fail $EXIT_FAILED services.failed "$broken" "$ROOT/${NAME}ctl"
    }
    record end start
    print_ending
}

preflight_or_stop() {
    run_checks
    print_checks
    failures=$(count_results fail)
    [ -z "$STRICT" ] || failures=$((failures + $(count_results warn)))
    [ "$failures" -eq 0 ] || fail $EXIT_PREFLIGHT preflight.failed "$failures"
}

# check_collected: values of an earlier run, of defaults and generators obey the same rules
check_collected() {
    rows variables.tsv | while IFS="$TAB" read -r name _; do
        [ -z "$(value "$name")" ] || check_value "$name" "$(value "$name")"
    done || exit $EXIT_USAGE
}

run_verify() {
    require_tools
    if [ -n "$INSTALLED" ]; then
        fail $EXIT_USAGE verify.installed
    fi
    verify_bundle
}

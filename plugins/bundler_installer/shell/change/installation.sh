# ---- change/installation: the steps of an installation, each of which can be repeated. A running release is upgraded

run_install() {
    local ends=''
    require_tools
    [ -z "$INSTALLED" ] || fail $EXIT_USAGE install.installed "$ROOT"
    name_release
    check_writable
    if [ -d "$ROOT/state" ] && [ -n "$JUDGED" ]; then take_lock; fi
    if [ -n "$LOCKED" ]; then
        resume_change upgrade "$RELEASE"
        mend_release
    fi
    find_previous
    if [ -n "$PREVIOUS" ]; then check_upgrade; else say install.start "$TITLE" "$VERSION" "$PROFILE" "$ROOT"; fi
    check_counter
    settle_engine
    collect_variables
    list_lacking
    if wants_page; then
        ask_page
        show_summary
    fi
    preflight_or_stop
    if [ -n "$PAGED" ]; then agree_to_summary; fi
    if [ -n "$PREVIOUS" ] && [ -z "$RESUMED" ]; then check_way_back; fi
    complete_variables
    verify_bundle copy
    take_lock
    record_accepted
    check_edits "${PREVIOUS:-$RELEASE}"
    check_collected
    check_certificates
    examine_objects
    if [ -n "$ENGINE_PLAN" ]; then step engine install_engine; fi
    require_engine
    if [ -n "$PREVIOUS" ]; then
        upgrade_release
        write_receipt upgrade "$PREVIOUS" ''
    else
        install_release
        write_receipt install '' ''
    fi
    print_ending
}

install_release() {
    step variables write_variables
    step release prepare_release
    place_objects
    if target_has data; then step data make_data; fi
    step certificates place_certificates
    step images load_images
    if target_has blobs; then step blobs keep_blobs; fi
    if [ -n "$PROBE" ]; then step probe probe_engine; fi
    step pin-key pin_key
    step switch switch_release
    use_current
    step initial deliver_initial
    start_step
    step counter raise_counter
    step prune prune_releases
}

# print_ending: the address of the application, and useful commands
print_ending() {
    local control
    say ending.done "$TITLE" "$VERSION" "$ROOT"
    if target_has ports; then print_ports; else print_published; fi
    control=$ROOT/${NAME}ctl
    [ -x "$control" ] || control="sh $control" # on a file system that does not allow programs to run
    if target_has backups; then
        case $(fact backup_schedule) in [0-9]*) say ending.schedule "$control" ;; esac
    fi
    say ending.next "$control"
}

# print_ports: the addresses of this server
print_ports() {
    local address number service='' port='' protocol=''
    rows ports.tsv | while read_port service address port protocol; do
        [ -n "$service" ] || continue
        number=$(expand_port "$port")
        [ -n "$number" ] || continue
        address=$(expand_address "$address" "$port")
        case $address in - | 0.0.0.0 | ::) address=$(hostname 2>/dev/null || echo localhost) ;; esac
        say ending.port "$service" "$address:$number/$protocol"
    done
}

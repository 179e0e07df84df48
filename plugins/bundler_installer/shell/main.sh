# ---- main

main() {
    choose_language
    choose_colours
    set_defaults
    make_scratch
    parse_options "$@"
    LC_ALL=C
    export LC_ALL
    if [ "$COMMAND" = help ]; then
        print_help
        return
    fi
    find_bundle
    RELEASE=-
    choose_engine
    case $COMMAND in version | preflight | verify | schedule | inspect | support | certificate) ;; *) refuse_remote ;; esac
    case $COMMAND in
        version) printf '%s %s %s\n' "$NAME" "$VERSION" "$PROFILE" ;;
        install) run_install ;;
        preflight) run_preflight ;;
        verify) run_verify ;;
        status) run_status ;;
        logs) run_logs ;;
        start) run_start ;;
        stop) run_stop ;;
        restart) run_restart ;;
        backup) run_backup ;;
        restore) run_restore ;;
        schedule) run_schedule ;;
        inspect) run_inspect ;;
        support) run_support ;;
        certificate) run_certificate ;;
        trust) run_trust ;;
        plan) run_plan ;;
        rollback) run_rollback ;;
        adopt) run_adopt ;;
        uninstall) run_uninstall ;;
    esac
}

main "$@"

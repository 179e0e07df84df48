# ---- main

main() {
    choose_language
    choose_colours
    set_defaults
    make_scratch
    parse_options "$@"
    LC_ALL=C
    export LC_ALL
    [ -n "$JSON" ] || explain_language
    shift "$TAKEN"
    case $COMMAND in help) run_help; return ;; esac
    case $COMMAND$TARGET$JSON in install | preflight | adopt | restore) explain_user ;; esac
    find_bundle
    RELEASE=-
    settle_target
    case $COMMAND in
        node-images | push) ;;
        *)
            choose_engine
            refuse_command
            take_objects
            ;;
    esac
    case $COMMAND in version | preflight | verify | node-images | push | schedule | inspect | support | certificate | completion | man) ;; *) refuse_remote ;; esac
    case $COMMAND in
        version) show printf '%s %s %s\n' "$NAME" "$VERSION" "$PROFILE" ;;
        install) run_install ;;
        preflight) run_preflight ;;
        verify) run_verify ;;
        node-images) run_node_images ;;
        status) run_status ;;
        ps) run_ps ;;
        top) run_top ;;
        logs) run_logs ;;
        exec) run_exec "$@" ;;
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
        push) run_push ;;
        plan) run_plan ;;
        rollback) run_rollback ;;
        adopt) run_adopt ;;
        uninstall) run_uninstall ;;
        completion) run_completion ;;
        man) show print_manual ;;
    esac
}

main "$@"

# ---- standalone: the preflight on its own, with the tables in the same file

main() {
    choose_language
    choose_colours
    COMMANDS='preflight help version'
    DEFAULT_COMMAND=preflight
    set_defaults
    make_scratch
    parse_options "$@"
    LC_ALL=C
    export LC_ALL
    [ -n "$JSON" ] || explain_language
    if [ "$COMMAND" = help ]; then
        show format preflight.help "${0##*/}"
        printf '\n'
        return
    fi
    [ -z "$PROBE" ] || fail $EXIT_USAGE preflight.no_probe
    RELEASE=-
    HERE=$SCRATCH/tables
    { mkdir "$HERE" && write_tables "$HERE"; } || fail $EXIT_FAILED tools.scratch "$SCRATCH"
    FACTS=$HERE INSTALLED=''
    name_root
    read_facts
    choose_engine
    case $COMMAND in
        version) show printf '%s %s %s\n' "$NAME" "$VERSION" "$PROFILE" ;;
        preflight) run_preflight ;;
    esac
}

main "$@"

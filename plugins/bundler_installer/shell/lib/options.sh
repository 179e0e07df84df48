# ---- lib/options: the command line. `commands.py` declares commands and options: what it lists comes before this

DEFAULT_COMMAND=install
SINCE_FORM='([0-9]+(h|m|s))+|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?'

# set_defaults: values that depend on the environment of this run
set_defaults() {
    # folders that may hold a carried engine; sudo may remove them from PATH
    case :$PATH: in *":$PROBE_ROOT/usr/local/bin:"*) ;; *) PATH=$PATH:$PROBE_ROOT/usr/local/bin ;; esac
    if [ -t 0 ] && [ -t 2 ]; then TERMINAL=yes; fi
}

# parse_options ARGUMENT...: sets TAKEN: how many of them were read. Those after the service of `exec` are its program
parse_options() {
    local option='' given=''
    empty_file "$SCRATCH/set"
    empty_file "$SCRATCH/unset"
    TAKEN=0
    while [ $# -gt 0 ] && { [ "$COMMAND" != exec ] || [ -z "$SERVICES" ]; }; do
        name_option "${1%%=*}"
        case " $OWNED_OPTIONS " in *" $option "*) given="$given $option" ;; esac
        if takes_value "$option"; then
            case $1 in
                *=*) parse_value "$option" "${1#*=}" ;;
                *)
                    [ $# -gt 1 ] || fail $EXIT_USAGE options.value "$1" "$(name_help)"
                    parse_value "$option" "$2"
                    shift
                    TAKEN=$((TAKEN + 1))
                    ;;
            esac
        else
            case $1 in
                -?*=*) fail $EXIT_USAGE options.unknown "$1" "$(name_help)" ;;
                -?*) parse_flag "$1" ;;
                *) parse_word "$1" ;;
            esac
        fi
        shift
        TAKEN=$((TAKEN + 1))
    done
    [ -n "$COMMAND" ] || COMMAND=$DEFAULT_COMMAND
    refuse_foreign
    [ -z "$JSON" ] || QUIET=yes
}

# parse_flag OPTION: one without a value
parse_flag() {
    case $option in
        --yes) YES=yes ;;
        --json) JSON=yes ;;
        --strict) STRICT=yes ;;
        --list) LIST=yes ;;
        --encrypt) ENCRYPT=yes ;;
        --show-key) SHOW_KEY=yes ;;
        --install) SCHEDULE=install ;;
        --remove) SCHEDULE=remove ;;
        --probe) PROBE=yes ;;
        --allow-unsigned) UNSIGNED=yes ;;
        --allow-downgrade) DOWNGRADE=yes ;;
        --no-backup) NO_BACKUP=yes ;;
        --no-keep-blobs) NO_BLOBS=yes ;;
        --keep-data) KEEP_DATA=yes ;;
        --forward) FORWARD=yes ;;
        --dry-run) DRY_RUN=yes ;;
        --confirm) CONFIRM=yes ;;
        --back) BACK=yes ;;
        --install-engine) INSTALL_ENGINE=yes ;;
        --watch) WATCH=yes ;;
        --follow) FOLLOW=yes ;;
        --services) NAMES=yes ;;
        --registry-plain-http) REGISTRY_PLAIN=yes ;;
        --help)
            [ -z "$COMMAND" ] || [ "$COMMAND" = help ] || WORDS=$COMMAND
            COMMAND=help
            ;;
        --version) COMMAND=version ;;
        # as users of docker write them; whether there is a terminal is known without them
        -i | -t | -it | -ti) [ "$COMMAND" = exec ] || fail $EXIT_USAGE options.unknown "$1" "$(name_help)" ;;
        *) fail $EXIT_USAGE options.unknown "$1" "$(name_help)" ;;
    esac
}

# refuse_foreign: options that the command would ignore, although its name suggests otherwise: --dry-run must not act
refuse_foreign() {
    local each words='' own_options=''
    case $COMMAND in help | version) return 0 ;; esac
    describe_command "$COMMAND"
    for each in $given; do
        case " $own_options " in *" $each "*) ;; *) fail $EXIT_USAGE options.only "$each" "$COMMAND" "$(name_help)" ;; esac
    done
    if [ -n "$DRY_RUN" ] && [ -n "$CONFIRM$BACK" ]; then fail $EXIT_USAGE adopt.no_dry; fi
}

# name_program: the command that the operator typed: `sh install`, or that of the installed release
name_program() {
    local each
    case $0 in
        */current/install)
            for each in "${0%/current/install}"/*ctl; do
                if [ -f "$each" ]; then
                    printf '%s\n' "${each##*/}"
                    return 0
                fi
            done
            ;;
    esac
    printf 'sh %s\n' "${0##*/}"
}

# name_help: what shows the help for the command at hand
name_help() { printf '%s help%s\n' "$(name_program)" "${COMMAND:+ $COMMAND}"; }

parse_value() {
    local each number=''
    case $1 in
        --root) ROOT=$2 ;;
        --answers) ANSWERS=$2 ;;
        --key) KEY=$KEY${KEY:+$NEWLINE}$2 ;;
        --rotation) ROTATIONS=$ROTATIONS${ROTATIONS:+$NEWLINE}$2 ;;
        --require)
            case $2 in 0* | "" | *[!0-9]* | ???*) fail $EXIT_USAGE options.number "$1" "$2" ;; esac
            REQUIRE=$2
            ;;
        --report) REPORT=$2 ;;
        --from) FROM=$2 ;;
        --timeout) read_number "$1" "$2"; TIMEOUT=$number ;;
        --tail) read_number "$1" "$2"; TAIL=$number LOG_LINES=$number ;;
        --since)
            matches "$2" "$SINCE_FORM" || fail $EXIT_USAGE options.since "$2"
            SINCE=$2
            ;;
        --output) OUTPUT=$2 ;;
        --passphrase-file) PASSPHRASE_FILE=$2 ;;
        --backup-key) BACKUP_KEY_FILE=$2 ;;
        --edits)
            matches "$2" 'keep|refuse|discard' || fail $EXIT_USAGE options.edits "$2"
            EDITS=$2
            ;;
        --keep) read_number "$1" "$2"; KEEP=$number ;;
        --at)
            matches "$2" '([01][0-9]|2[0-3]):[0-5][0-9]' || fail $EXIT_USAGE options.time "$2"
            AT=$2
            ;;
        --reason)
            case $2 in '' | *[!a-z]*) fail $EXIT_USAGE options.reason "$2" ;; esac
            REASON=$2
            ;;
        --accept) ACCEPTED="$ACCEPTED$2 " ;;
        --lang)
            case $2 in
                zh | en | zh.UTF-8) take_language "$2" ;;
                *) fail $EXIT_USAGE options.language "$2" ;;
            esac
            ;;
        --purge)
            for each in $(printf '%s' "$2" | tr ',' ' '); do
                case $each in
                    data | volumes | images | secrets | backups | engine | all) PURGE="$PURGE $each " ;;
                    *) fail $EXIT_USAGE options.purge "$each" ;;
                esac
            done
            ;;
        --set | --unset) keep_answer "$1" "$2" ;;
        *) parse_target "$1" "$2" ;;
    esac
}

# keep_answer OPTION TEXT: for collect_variables
keep_answer() {
    case $1=$2 in
        --unset=[0-9]* | --unset= | --unset=*[!A-Za-z0-9_]*) fail $EXIT_USAGE options.unset "$2" ;;
        --unset=*) printf '%s\n' "$2" >>"$SCRATCH/unset" || lose_scratch ;;
        --set=*"$NEWLINE"*) fail $EXIT_USAGE options.set "${2%%=*}" ;;
        --set=[A-Za-z_]*=*) printf '%s\n' "$2" >>"$SCRATCH/set" || lose_scratch ;;
        *) fail $EXIT_USAGE options.set "$2" ;;
    esac
}

# parse_word WORD: the command, or what follows it
parse_word() {
    local words='' own_options=''
    if [ -z "$COMMAND" ]; then
        case " $COMMANDS " in
            *" $1 "*) COMMAND=$1 ;;
            *) fail $EXIT_USAGE options.command "$1" "$COMMANDS" ;;
        esac
        return 0
    fi
    describe_command "$COMMAND"
    case $words:$WORDS in
        services:* | program:*)
            matches "$1" '[A-Za-z0-9][A-Za-z0-9._-]*' || fail $EXIT_USAGE options.no_service "$(printf '%s' "$1" | show_plain)"
            SERVICES=$SERVICES${SERVICES:+ }$1
            ;;
        ?*:) WORDS=$1 ;;
        *) fail $EXIT_USAGE options.word "$1" "$(name_help)" ;;
    esac
}

# accepts ID: whether the operator accepted this check by name
accepts() { case $ACCEPTED in *" $1 "*) return 0 ;; esac; return 1; }

# purges WHAT: whether the operator named it for removal; `all` means everything of the application, but not the engine, on
# which others may run
purges() {
    case $PURGE in *" $1 "*) return 0 ;; esac
    case $1$PURGE in engine*) return 1 ;; *" all "*) return 0 ;; esac
    return 1
}

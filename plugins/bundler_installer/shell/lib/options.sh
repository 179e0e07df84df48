# ---- lib/options: the command line

COMMANDS='install preflight verify status logs start stop restart backup restore plan rollback adopt schedule inspect support certificate trust uninstall help version'
DEFAULT_COMMAND=install

# set_defaults: values that depend on the environment of this run
set_defaults() {
    # folders that may hold a carried engine; sudo may remove them from PATH
    case :$PATH: in *":$PROBE_ROOT/usr/local/bin:"*) ;; *) PATH=$PATH:$PROBE_ROOT/usr/local/bin ;; esac
    if [ -t 0 ] && [ -t 2 ]; then TERMINAL=yes; fi
}

parse_options() {
    empty_file "$SCRATCH/set"
    empty_file "$SCRATCH/unset"
    while [ $# -gt 0 ]; do
        if takes_value "$1"; then
            [ $# -gt 1 ] || fail $EXIT_USAGE options.value "$1"
            parse_value "$1" "$2"
            shift 2
            continue
        fi
        case $1 in
            --*=*)
                takes_value "${1%%=*}" || fail $EXIT_USAGE options.unknown "$1"
                parse_value "${1%%=*}" "${1#*=}"
                ;;
            --yes | -y) YES=yes ;;
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
            --help | -h) COMMAND=help ;;
            --version) COMMAND=version ;;
            -*) fail $EXIT_USAGE options.unknown "$1" ;;
            *) parse_word "$1" ;;
        esac
        shift
    done
    [ -n "$COMMAND" ] || COMMAND=$DEFAULT_COMMAND
    # the operator asked another command for a plan, so it must not act
    case $COMMAND in
        adopt) if [ -n "$DRY_RUN" ] && [ -n "$CONFIRM$BACK" ]; then fail $EXIT_USAGE adopt.no_dry; fi ;;
        help | version) ;;
        *) [ -z "$FROM$DRY_RUN$CONFIRM$BACK" ] || fail $EXIT_USAGE adopt.only "$COMMAND" ;;
    esac
    [ -z "$JSON" ] || QUIET=yes
}

# takes_value OPTION: whether the option has a value
takes_value() {
    case $1 in
        --root | --set | --unset | --answers | --key | --rotation | --require | --lang | --accept | --timeout | --purge | --tail | --output | --passphrase-file | --backup-key | --keep | --reason | --at | --edits | --report | --from) return 0 ;;
    esac
    return 1
}

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
        --output) OUTPUT=$2 ;;
        --passphrase-file) PASSPHRASE_FILE=$2 ;;
        --backup-key) BACKUP_KEY_FILE=$2 ;;
        --edits)
            case $2 in
                keep | refuse | discard) EDITS=$2 ;;
                *) fail $EXIT_USAGE options.edits "$2" ;;
            esac
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
                zh | en) LANGUAGE=$2 ;;
                *) fail $EXIT_USAGE options.language "$2" ;;
            esac
            ;;
        --purge)
            for each in $(printf '%s' "$2" | tr ',' ' '); do
                case $each in
                    data | volumes | images | secrets | engine | all) PURGE="$PURGE $each " ;;
                    *) fail $EXIT_USAGE options.purge "$each" ;;
                esac
            done
            ;;
        --set | --unset) keep_answer "$1" "$2" ;;
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

# read_number OPTION VALUE: sets `number`, without leading zeros, which a shell would read as octal
read_number() {
    is_number "$2" || fail $EXIT_USAGE options.number "$1" "$2"
    number=$2
    while [ "${number#0}" != "$number" ] && [ "$number" != 0 ]; do number=${number#0}; done
    [ "${#number}" -le 9 ] || fail $EXIT_USAGE options.number "$1" "$2"
}

parse_word() {
    if [ -z "$COMMAND" ]; then
        case " $COMMANDS " in
            *" $1 "*) COMMAND=$1 ;;
            *) fail $EXIT_USAGE options.command "$1" "$COMMANDS" ;;
        esac
    elif [ -z "$WORDS" ] && { [ "$COMMAND" = logs ] || [ "$COMMAND" = restore ] || [ "$COMMAND" = trust ]; }; then
        WORDS=$1
    else
        fail $EXIT_USAGE options.word "$1"
    fi
}

# accepts ID: whether the operator accepted this check by name
accepts() { case $ACCEPTED in *" $1 "*) return 0 ;; esac; return 1; }

# purges WHAT: whether the operator named it for removal; `all` means everything of the application, but not the engine
purges() {
    case $PURGE in *" $1 "*) return 0 ;; esac
    case $1$PURGE in engine*) return 1 ;; *" all "*) return 0 ;; esac
    return 1
}

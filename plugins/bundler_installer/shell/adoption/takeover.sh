# ---- adoption/takeover: an application that was set up with Compose becomes this site; until that is confirmed, it can be
# undone: the old containers are only stopped, their files only read. The progress is recorded in state/adopt
#
# Phases: `prepare` (the old one runs, untouched), `stopped` (its services may be stopped), `switched` (ours may run),
# `adopted` (complete, not yet confirmed), `return` (returning to the old one).

run_adopt() {
    require_tools
    case ${CONFIRM:+confirm}${BACK:+back} in
        confirm) confirm_adoption ;;
        back) leave_adoption ;;
        '')
            [ -z "$INSTALLED" ] || fail $EXIT_USAGE install.installed "$ROOT"
            adopt_release
            ;;
        *) fail $EXIT_USAGE adopt.either ;;
    esac
}

adopt_release() {
    local planned_phase ends=''
    name_release
    if [ ! -f "$FACTS/adopt.tsv" ] || [ -z "$(rows adopt.tsv)" ]; then fail $EXIT_FAILED adopt.unknown "$TITLE"; fi
    if load_adoption; then
        [ "$ADOPTION_PHASE" != adopted ] || fail $EXIT_USAGE adopt.done_already "$ADOPTION_FROM" "$ROOT"
        [ "$ADOPTION_PHASE" != return ] || fail $EXIT_FAILED adopt.returning "$ADOPTION_FROM"
    elif [ -e "$CURRENT" ] || [ -L "$CURRENT" ]; then
        fail $EXIT_USAGE adopt.installed "$ROOT"
    fi
    require_engine
    find_old
    if [ -n "$ADOPTION_PHASE" ] && [ "$ADOPTION_FROM" != "$FROM" ]; then fail $EXIT_FAILED adopt.pending "$ADOPTION_FROM"; fi
    read_old
    plan_adoption
    collect_variables
    end_at_mistakes
    judge_room
    print_adoption
    [ ! -s "$SCRATCH/refusals" ] || leave $EXIT_PREFLIGHT
    if [ -n "$DRY_RUN" ]; then
        say adopt.dry
        return 0
    fi
    check_counter
    settle_engine
    preflight_or_stop
    verify_bundle copy
    ask adopt.ask "$OLD_PROJECT" || fail $EXIT_FAILED adopt.no
    planned_phase=$ADOPTION_PHASE
    take_lock
    [ "$planned_phase" = "$ADOPTION_PHASE" ] || fail $EXIT_FAILED adopt.changed "$ROOT"
    record_accepted
    complete_variables
    check_collected
    check_certificates
    take_over
    write_receipt adopt '' ''
    say adopt.done "$FROM" "$ROOT/${NAME}ctl" "$ROOT/${NAME}ctl"
    print_ending
}

# take_over: the steps, each of which can be repeated. If the run ends early, the old installation runs again as before
take_over() {
    ADOPTION_FROM=$FROM ADOPTION_PROJECT=$OLD_PROJECT ADOPTION_RELEASE=$RELEASE ADOPTION_ASIDE=''
    case $ADOPTION_PHASE in '') enter_adoption prepare ;; esac
    ADOPTING=yes
    [ "$ADOPTION_PHASE" != switched ] || step again begin_again
    keep_project
    step variables write_variables
    rm -f "$SCRATCH/secret-forms" # new secrets exist now
    step release prepare_release
    step data make_data
    step images load_images
    step blobs keep_blobs
    step stop stop_old
    step dumps take_dumps
    step halt halt_old
    step copies copy_folders
    step certificates place_certificates
    step pin-key pin_key
    enter_adoption switched
    step switch switch_release
    use_current
    step initial deliver_initial
    step volumes copy_volumes_over
    step databases load_dumps
    start_step
    enter_adoption adopted
    ADOPTING=''
    rm -rf "$ROOT/state/adopt.dumps"
    step counter raise_counter
    step prune prune_releases
}

# begin_again: an earlier attempt was killed when the new services could already run, and they may be running. Remove them:
# nothing may write to the copies, and databases must be empty when dumps are restored
begin_again() {
    if [ -d "$CURRENT/config" ]; then
        (
            use_current
            settle_project
            remove_services --volumes
        ) || exit $EXIT_FAILED
    fi
    clear_data || fail $EXIT_FAILED release.disk "$ROOT"
}

# keep_project: record another project name if the old project has the bundle's
keep_project() {
    if [ "$PROJECT" = "$(fact project)" ]; then
        rm -f "$ROOT/state/project"
    else
        printf '%s\n' "$PROJECT" | write_note project || exit $EXIT_FAILED
    fi
}

confirm_adoption() {
    local recorded=''
    use_current
    take_lock
    load_adoption || fail $EXIT_USAGE adopt.none "$ROOT"
    [ "$ADOPTION_PHASE" = adopted ] || fail $EXIT_FAILED adopt.pending "$ADOPTION_FROM"
    ask adopt.ask_confirm "$ADOPTION_FROM" || fail $EXIT_FAILED adopt.no
    RELEASE=$(basename_of "$CURRENT") || lose_scratch
    record begin confirm
    forget_adoption
    record end confirm
    say adopt.confirmed "$ADOPTION_FROM" "$ADOPTION_PROJECT" "$ADOPTION_FROM"
}

# leave_adoption: the operator wants the old installation back. Data written here since are kept aside
leave_adoption() {
    local kept_aside recorded=''
    load_adoption || fail $EXIT_USAGE adopt.none "$ROOT"
    require_engine
    ask adopt.ask_back "$ADOPTION_FROM" "$ROOT" || fail $EXIT_FAILED adopt.no
    take_lock
    RELEASE=$ADOPTION_RELEASE
    record begin return
    (return_old keep) || fail $EXIT_FAILED adopt.not_back "$ADOPTION_FROM" "$ADOPTION_PROJECT"
    record end return
    kept_aside=$(sed -n 1p "$ROOT/state/adopted-aside" 2>/dev/null)
    [ ! -d "${kept_aside:-/-}" ] || say restore.kept "$kept_aside"
    rm -f "$ROOT/state/adopted-aside"
    [ ! -s "$SCRATCH/old-gone" ] || fail $EXIT_FAILED adopt.gone "$(paste -s -d , "$SCRATCH/old-gone")" "$ADOPTION_FROM" "$ADOPTION_PROJECT"
    say adopt.is_back "$ADOPTION_FROM"
}

# undo_adoption: the run ends before the adoption is complete; sets end_code. Signals wait until this is done
undo_adoption() {
    [ -n "$ADOPTING" ] || return 0
    ADOPTING=''
    trap 'INTERRUPTED=yes' HUP INT TERM
    load_adoption || return 0
    RELEASE=$ADOPTION_RELEASE
    if [ "$ADOPTION_PHASE" = prepare ]; then
        (return_old drop) || warn adopt.litter "$ROOT"
        [ "$end_code" -ne 0 ] || end_code=$EXIT_FAILED
        warn adopt.untouched "$ADOPTION_FROM"
        return 0
    fi
    if ! insist return_old drop; then
        warn adopt.not_back "$ADOPTION_FROM" "$ADOPTION_PROJECT"
        end_code=$EXIT_FAILED
        return 1
    fi
    if [ -s "$SCRATCH/old-gone" ]; then
        warn adopt.gone "$(paste -s -d , "$SCRATCH/old-gone")" "$ADOPTION_FROM" "$ADOPTION_PROJECT"
        end_code=$EXIT_FAILED
        return 1
    fi
    end_code=$EXIT_RETURNED
    warn adopt.back "$ADOPTION_FROM"
}

undo_at_exit undo_adoption

# return_old keep|drop: remove what is here, or keep it aside; then start the old containers that ran. Can be repeated
return_old() {
    load_adoption || return 0
    RETURNING=yes
    require_engine
    if [ "$ADOPTION_PHASE" != prepare ]; then
        say adopt.going_back "$ADOPTION_FROM"
        if [ "$1" = keep ] && [ -z "$ADOPTION_ASIDE" ]; then ADOPTION_ASIDE=$(name_aside); fi
        enter_adoption return
        if [ -d "$CURRENT/config" ]; then
            use_current
            settle_project
            stop_services
            if [ "$1" = keep ] || [ -n "$ADOPTION_ASIDE" ]; then keep_adopted; fi
            remove_services --volumes
        fi
        start_old
    fi
    if [ -z "$ADOPTION_ASIDE" ]; then clear_data || fail $EXIT_FAILED release.disk "$ROOT"; fi
    rm -rf "$ROOT/state/adopt.dumps" "${ROOT:?}/releases/$ADOPTION_RELEASE"
    rm -f "$CURRENT" "$ROOT/${NAME}ctl" "$ROOT/state/project" || fail $EXIT_FAILED release.disk "$ROOT"
    forget_adoption
}

# keep_adopted: keep data, volumes, answers and secrets from the time since the adoption, separate from what will be used
# again
keep_adopted() {
    BEFORE=$ADOPTION_ASIDE
    case $BEFORE in "$ROOT"/data.before-restore-*) ;; *) fail $EXIT_FAILED adopt.damaged "$ROOT/state/adopt" ;; esac
    (umask 077 && mkdir -p "$BEFORE/volumes") || fail $EXIT_FAILED release.disk "$ROOT"
    set_aside
    printf '%s\n' "$BEFORE" >"$ROOT/state/adopted-aside" || fail $EXIT_FAILED release.disk "$ROOT"
}

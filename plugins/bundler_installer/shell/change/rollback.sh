# ---- change/rollback: return to the release that ran before, and forward again

run_rollback() {
    local direction undo migrated restored='' target=''
    require_tools
    use_installed
    take_lock
    direction=rollback undo='rollback --forward'
    [ -z "$FORWARD" ] || direction=forward undo=rollback
    resume_change $direction
    use_installed # resuming an earlier change may have switched the release
    if [ -z "$RESUMED" ]; then
        if is_done_already; then return 0; fi
        choose_target
    fi
    require_engine
    if [ -z "$RESUMED" ]; then
        check_way_back
        begin_change $direction "$RELEASE" "$target" "$restored"
    fi
    [ "$CHANGE_PHASE" != prepare ] || step answers save_answers "$CHANGE_FROM"
    step images name_images "$CHANGE_TO"
    step backup stop_and_back_up
    enter_phase switched
    RELEASE=$CHANGE_TO
    step switch enter_rollback
    use_current
    if [ -n "$CHANGE_DATA" ] && [ -z "$CHANGE_RESTORED" ]; then
        if [ -z "$CHANGE_ASIDE" ]; then # recorded first, so that the same folder is used if this is repeated
            CHANGE_ASIDE=$(name_aside)
            enter_phase switched
        fi
        step restore restore_backup "$CHANGE_DATA"
        CHANGE_RESTORED=yes
        enter_phase switched
    fi
    step initial deliver_initial
    BEFORE=$CHANGE_ASIDE
    # the new backup also contains the data that were set aside
    if [ -n "$CHANGE_BACKUP" ]; then drop_before; elif [ -d "${BEFORE:-/-}" ]; then say restore.kept "$BEFORE"; fi
    start_step
    migrated=no
    [ -z "$CHANGE_DATA" ] || migrated=yes
    step finish finish_change "$migrated"
    write_receipt "$direction" "$CHANGE_FROM" "${CHANGE_DATA##*/}"
    say rollback.done "$TITLE" "$VERSION" "$ROOT/${NAME}ctl $undo"
}

# is_done_already: a repeated command, perhaps because the end of the first was not seen, must not switch back and forth
is_done_already() {
    local last
    last=$(note_field previous kind) || lose_scratch
    if [ -z "$FORWARD" ]; then
        [ "$last" = rollback ] || return 1
        say rollback.already "$VERSION" "$ROOT/${NAME}ctl"
    else
        [ "$last" != rollback ] || return 1
        [ "$last" = forward ] || fail $EXIT_USAGE rollback.not_back "$VERSION"
    fi
}

# choose_target: sets `target` and `restored`: the release, and the backup of its data; the operator is asked, because data
# written since may be lost
choose_target() {
    local target_version
    { target=$(note_field previous release) && restored=$(note_field previous backup); } || lose_scratch
    case $target in '' | */* | .*) fail $EXIT_FAILED rollback.none "$ROOT" ;; esac
    [ -d "$ROOT/releases/$target/config" ] || fail $EXIT_FAILED rollback.none "$ROOT"
    target_version=$(fact_of "$ROOT/releases/$target" version)
    if [ "$(note_field previous migrated)" = no ]; then
        restored=''
        ask rollback.ask_keep "$VERSION" "$target_version" || fail $EXIT_FAILED rollback.no
    elif [ -n "$KEEP_DATA" ]; then
        accepts migrated-data || fail $EXIT_USAGE rollback.migrated
        restored=''
        ask rollback.ask_keep "$VERSION" "$target_version" || fail $EXIT_FAILED rollback.no
    else
        { [ -n "$restored" ] && [ -d "$restored" ]; } || fail $EXIT_FAILED rollback.no_backup "${restored:--}"
        require_backup "$restored"
        warn rollback.loses "$(source_fact created)"
        ask rollback.ask "$VERSION" "$target_version" || fail $EXIT_FAILED rollback.no
    fi
}

enter_rollback() {
    place_answers "$CHANGE_TO"
    switch_release
}

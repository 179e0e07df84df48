# ---- change/upgrade: install a new bundle over a running release

# find_previous: the release to be replaced; empty if there is none except this one
find_previous() {
    PREVIOUS=''
    if [ -n "$RESUMED" ]; then
        PREVIOUS=$CHANGE_FROM
    elif [ -d "$CURRENT/config" ]; then
        PREVIOUS=$(basename_of "$CURRENT") || lose_scratch
        [ "$PREVIOUS" != "$RELEASE" ] || PREVIOUS=''
    fi
}

# previous_fact KEY: of the release to be replaced
previous_fact() { fact_of "$ROOT/releases/$PREVIOUS" "$1"; }

# check_upgrade: it is the same application, and not older than the running release
check_upgrade() {
    local old_version each
    old_version=$(previous_fact version) || lose_scratch
    [ -n "$old_version" ] || lose_scratch
    for each in name project; do
        [ "$(previous_fact $each)" = "$(fact $each)" ] ||
            fail $EXIT_USAGE upgrade.other "$ROOT" "$(previous_fact $each)" "$(fact $each)"
    done
    if ! at_least "$VERSION" "$old_version"; then
        [ -n "$DOWNGRADE" ] || fail $EXIT_USAGE upgrade.downgrade "$old_version" "$VERSION"
        warn upgrade.downgrade_accepted "$old_version" "$VERSION"
    fi
    say upgrade.start "$TITLE" "$old_version" "$(previous_fact profile)" "$VERSION" "$PROFILE" "$ROOT"
}

# check_way_back: there is enough free space for a backup and for restoring it beside the existing data
check_way_back() {
    if [ -n "$NO_BACKUP" ]; then return 0; fi
    WAY_BACK=$(count_bytes "$ROOT/data" | awk -v times="$([ -n "$OUTPUT" ] && echo 1 || echo 2)" '{ printf "%.0f\n", $1 * times }')
    if too_little "$WAY_BACK" "$(free_bytes "$ROOT")"; then
        fail $EXIT_FAILED upgrade.no_room "$ROOT" "$(human "$(free_bytes "$ROOT")")" "$(human "$WAY_BACK")"
    fi
}

upgrade_release() {
    local migrated migrations
    begin_change upgrade "$PREVIOUS" "$RELEASE"
    [ "$CHANGE_PHASE" != prepare ] || step answers save_answers "$PREVIOUS"
    step images load_images
    step blobs keep_blobs
    step variables draft_variables
    step release prepare_release
    step backup stop_and_back_up
    enter_phase switched
    step data make_data
    step certificates place_certificates
    step switch enter_release
    use_current
    step initial deliver_initial
    start_step
    step counter raise_counter
    migrated=no
    migrations=$(names migrations) || lose_scratch # must not be `no` if it is unknown: a rollback would keep the data
    [ -z "$migrations" ] || migrated=yes
    step finish finish_change "$migrated"
    say upgrade.done "$ROOT/${NAME}ctl"
}

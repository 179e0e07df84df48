# ---- site/counter: decides which of two bundles is older, independent of their versions. The highest counter installed here
# is in state/counter; rollbacks and restores never lower it

# read_counters: sets COUNTER, the bundle's, and HIGHEST, the highest installed here; empty if there is none
read_counters() {
    local kept installed
    HIGHEST='' COUNTER=$(fact counter)
    case $COUNTER in
        '' | -) COUNTER=0 ;;
        *) is_counter "$COUNTER" || fail $EXIT_VERIFICATION facts.damaged "counter=$COUNTER" ;;
    esac
    kept=$ROOT/state/counter
    if [ -e "$kept" ] || [ -L "$kept" ]; then
        { [ -f "$kept" ] && [ ! -L "$kept" ] && HIGHEST=$(cat "$kept") && is_counter "$HIGHEST"; } ||
            fail $EXIT_FAILED counter.damaged "$kept"
    fi
    # the site predates counters, or its services never became healthy
    [ -f "$CURRENT/bundle.env" ] || return 0
    installed=$(fact_of "$CURRENT" counter)
    case $installed in '' | -) return 0 ;; esac
    is_counter "$installed" || fail $EXIT_VERIFICATION facts.damaged "counter=$installed"
    if [ -z "$HIGHEST" ] || below "$HIGHEST" "$installed"; then HIGHEST=$installed; fi
}

# is_older: whether the bundle is older than one installed here. The current release does not count as older, even after a
# rollback
is_older() {
    [ -n "$HIGHEST" ] && below "$COUNTER" "$HIGHEST" && [ "$(basename_of "$CURRENT")" != "$RELEASE" ]
}

check_counter() {
    read_counters
    if is_older; then
        [ -n "$DOWNGRADE" ] || fail $EXIT_USAGE counter.older "$COUNTER" "$HIGHEST"
        warn counter.accepted "$COUNTER" "$HIGHEST"
    fi
}

# raise_counter: record the counters read by check_counter, after the services run
raise_counter() {
    if [ -z "$HIGHEST" ] || below "$HIGHEST" "$COUNTER"; then HIGHEST=$COUNTER; fi
    printf '%s\n' "$HIGHEST" | write_note counter || leave $EXIT_FAILED
}

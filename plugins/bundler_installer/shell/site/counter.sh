# ---- site/counter: which of two bundles is the older one, whatever their versions say. The highest that was installed here
# stands in state/counter; no rollback and no restore lowers it

# read_counters: sets COUNTER, the bundle's, and HIGHEST, that was installed here; nothing where there is none
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
    # a site of before there were counters, or one whose services never became healthy
    [ -f "$CURRENT/bundle.env" ] || return 0
    installed=$(fact_of "$CURRENT" counter)
    case $installed in '' | -) return 0 ;; esac
    is_counter "$installed" || fail $EXIT_VERIFICATION facts.damaged "counter=$installed"
    if [ -z "$HIGHEST" ] || below "$HIGHEST" "$installed"; then HIGHEST=$installed; fi
}

# is_older: the bundle is older than one that was installed here. The release that is current is not, also after a rollback
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

# raise_counter: what check_counter has read, once the services run
raise_counter() {
    if [ -z "$HIGHEST" ] || below "$HIGHEST" "$COUNTER"; then HIGHEST=$COUNTER; fi
    printf '%s\n' "$HIGHEST" | write_note counter || leave $EXIT_FAILED
}

# ---- lib/run: a run begins with a private scratch folder; whatever ends it, what it changed is undone and what it made is removed

# make_scratch: a private folder for this run, removed at its end whatever happens. Where the operator does not say, in
# memory: what it holds may be secret, and does not survive the power
make_scratch() {
    local scratch_in
    for scratch_in in ${TMPDIR:+"$TMPDIR"} /run /dev/shm /tmp; do
        if [ -z "${TMPDIR:-}" ] && [ "$scratch_in" != /tmp ] && { [ ! -d "$scratch_in" ] || [ ! -w "$scratch_in" ]; }; then continue; fi
        SCRATCH=$(mktemp -d "$scratch_in/bundle.XXXXXX" 2>/dev/null) && break
        [ -z "${TMPDIR:-}" ] || break
    done
    { [ -n "$SCRATCH" ] && chmod 700 "$SCRATCH" && describe_run >"$SCRATCH/process" && hold_scratch; } ||
        fail $EXIT_FAILED tools.scratch "$scratch_in"
    # dash does not run the EXIT trap when a signal ends it
    trap 'end_run $?' EXIT
    end_at_signals
    watch_writers
    sweep_scratch "${SCRATCH%/*}"
}

end_at_signals() {
    trap 'end_run 129' HUP
    trap 'end_run 130' INT
    trap 'end_run 141' PIPE
    trap 'end_run 143' TERM
}

# end_run CODE: whatever ends the run, a change of release that is under way is undone first
end_run() {
    local end_code text
    trap - EXIT
    trap '' PIPE # nobody may be left to read what is said
    end_code=$1
    set +f
    IFS=" $TAB$NEWLINE" # a signal may come where they are others
    # a shell that cannot fork or redirect ends with a code of its own; 2 of them means wrong usage here
    case $end_code in
        "$ENDED" | 0 | 1 | 3 | 4 | 5 | 129 | 130 | 141 | 143) ;;
        *) end_code=$EXIT_FAILED ;;
    esac
    # a shell that cannot fork says so where nobody may see it
    if [ "$end_code" -eq $EXIT_FAILED ] && [ -z "$TOLD$JSON" ] && [ ! -f "${SCRATCH:-/-}/told" ]; then
        "find_text_$LANGUAGE" tools.failed
        printf '%s\n' "$text" >&2
    fi
    # where no process can be started, a shell ends at once, with a code of its own, unless it is in an `eval` like these
    command eval end_work
    command eval clean_up
    exit "$end_code"
}

# end_work: what this run started ends, and what it changed is as before
end_work() {
    local pid undo
    if [ -n "$STARTING" ]; then
        end_tree "$STARTING"
        STARTING=''
    fi
    for pid in $HASHING; do end_tree "$pid"; done
    [ "$end_code" -eq 0 ] || end_offspring
    for undo in $UNDO_AT_EXIT; do "$undo"; done
}

# clean_up: a second Ctrl-C does not keep services from being started again
clean_up() {
    local clean
    trap - EXIT
    trap '' HUP INT TERM
    for clean in $CLEAN_AT_EXIT; do "$clean"; done
}

# remove_scratch: what this run was making, and its scratch folder
remove_scratch() {
    [ -z "$LITTER" ] || rm -rf "$LITTER"
    [ -z "$SCRATCH" ] || empty_scratch "$SCRATCH"
}

clean_at_exit remove_scratch # before the lock is released, which was registered earlier

# end_offspring: what this run started and what still works when a signal has ended the shells in between. An engine, which
# has a session of its own, goes on
end_offspring() {
    local tree pid
    tree=$(list_tree $$ same)
    [ -z "$HELD" ] || tree="$tree $(list_held)"
    set --
    for pid in $tree; do
        if [ "$pid" != $$ ] && is_running "$pid"; then set -- "$@" "$pid"; fi
    done
    [ $# -eq 0 ] || end_processes "$@"
}

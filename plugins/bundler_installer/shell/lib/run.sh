# ---- lib/run: a run starts with a private scratch folder; however it ends, its changes are undone and its temporary files
# removed

# make_scratch: create a private folder for this run, which is removed when the run ends. By default it is in memory, because
# it may hold secrets and must not survive a power failure
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

# end_run CODE: however the run ends, a change of release that is under way is undone first
end_run() {
    local end_code text readable=''
    trap - EXIT
    trap '' PIPE # the reader of the output may be gone
    end_code=$1
    set +f
    IFS=" $TAB$NEWLINE" # a signal may arrive while IFS has another value
    stop_meter
    # a shell that cannot fork or redirect exits with its own code; that may be 2, which means wrong usage here
    case $end_code in
        "$ENDED" | 0 | 1 | 3 | 4 | 5 | 129 | 130 | 141 | 143) ;;
        *) end_code=$EXIT_FAILED ;;
    esac
    # the message of a shell that cannot fork may not be visible
    if [ "$end_code" -eq $EXIT_FAILED ] && [ -z "$TOLD$JSON" ] && [ ! -f "${SCRATCH:-/-}/told" ]; then
        "find_text_$LANGUAGE" tools.failed
        convert_text "$text"
        printf '%s\n' "$readable" >&2
    fi
    # when no process can be started, a shell exits at once with its own code, except inside an `eval` like these
    command eval end_work
    command eval clean_up
    exit "$end_code"
}

# end_work: end the processes that this run started, and undo its changes
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

# clean_up: signals are ignored, so that a second Ctrl-C does not keep services from being started again
clean_up() {
    local clean
    trap - EXIT
    trap '' HUP INT TERM
    for clean in $CLEAN_AT_EXIT; do "$clean"; done
}

# remove_scratch: remove the file that this run was writing, and its scratch folder
remove_scratch() {
    [ -z "$LITTER" ] || rm -rf "$LITTER"
    [ -z "$SCRATCH" ] || empty_scratch "$SCRATCH"
}

clean_at_exit remove_scratch # before the lock is released, which was registered earlier

# end_offspring: end the processes of this run that still work after a signal ended the shells in between. An engine has its
# own session and keeps running
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

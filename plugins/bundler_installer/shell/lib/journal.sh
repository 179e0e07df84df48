# ---- lib/journal: what a run did: a line before and after each step

# record STATE STEP: append a line to the journal; sets `recorded`, its time. A full disk must not keep the old release from
# running again
record() {
    recorded=$(date -u '+%Y-%m-%dT%H:%M:%SZ')
    printf '%s\t%s\t%s\t%s\n' "$recorded" "$RELEASE" "$1" "$2" >>"$ROOT/state/journal" ||
        [ -n "$RETURNING" ] || fail $EXIT_FAILED release.disk "$ROOT"
}

# step NAME FUNCTION [ARGUMENT...]: run a step between two lines of the journal
step() {
    local step_name recorded=''
    step_name=$1
    shift
    record begin "$step_name"
    write_log "begin $step_name" "$recorded"
    "$@" || {
        record failed "$step_name"
        fail $EXIT_FAILED journal.failed "$step_name"
    }
    record end "$step_name"
}

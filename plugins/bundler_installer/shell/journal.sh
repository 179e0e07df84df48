# ---- journal: one run at a time; what it did, step by step

take_lock() {
    mkdir -p "$ROOT/state" "$ROOT/log" || fail $EXIT_FAILED journal.root "$ROOT"
    chmod 700 "$ROOT/state" "$ROOT/log"
    if ! mkdir "$ROOT/state/lock" 2>/dev/null; then
        holder=$(cat "$ROOT/state/lock/pid" 2>/dev/null)
        if is_number "${holder:-x}" && kill -0 "$holder" 2>/dev/null &&
            [ "$(boot_id)" = "$(cat "$ROOT/state/lock/boot" 2>/dev/null)" ]; then
            fail $EXIT_FAILED journal.locked "$holder"
        fi
        rm -rf "$ROOT/state/lock" # its run was killed, or the power went
        mkdir "$ROOT/state/lock" 2>/dev/null || fail $EXIT_FAILED journal.locked '?'
    fi
    LOCKED=yes
    printf '%s\n' $$ >"$ROOT/state/lock/pid"
    boot_id >"$ROOT/state/lock/boot"
    LOG=$ROOT/log/$(date -u '+%Y%m%dT%H%M%SZ')-$COMMAND.log
    (umask 077 && : >>"$LOG")
    write_log "$COMMAND $NAME $VERSION $PROFILE"
}

release_lock() {
    if [ -n "$LOCKED" ]; then
        LOCKED=''
        rm -rf "$ROOT/state/lock"
    fi
}

boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

# record STATE STEP: append a line to the journal
record() {
    printf '%s\t%s\t%s\t%s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$RELEASE" "$1" "$2" >>"$ROOT/state/journal"
}

# step NAME FUNCTION [ARGUMENT...]: run a step between two lines of the journal
step() {
    step_name=$1
    shift
    record begin "$step_name"
    write_log "begin $step_name"
    "$@" || {
        record failed "$step_name"
        exit $EXIT_FAILED
    }
    record end "$step_name"
}

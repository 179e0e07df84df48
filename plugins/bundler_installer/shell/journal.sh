# ---- journal: one run at a time; what it did, step by step

# take_lock: the lock is a link that names its holder: made in one go, so it is never there without a name
take_lock() {
    [ -z "$LOCKED" ] || return 0
    mkdir -p "$ROOT/state" "$ROOT/log" || fail $EXIT_FAILED journal.root "$ROOT"
    chmod 700 "$ROOT/state" "$ROOT/log" || fail $EXIT_FAILED journal.root "$ROOT"
    lock=$ROOT/state/lock
    tries=0
    until ln -s "$$ $(start_time $$) $(boot_id)" "$lock" 2>/dev/null; do
        holder=$(readlink "$lock" 2>/dev/null)
        # shellcheck disable=SC2086 # splitting is wanted
        if is_at_work $holder; then fail $EXIT_FAILED journal.locked "${holder%% *}"; fi
        tries=$((tries + 1))
        [ "$tries" -le 3 ] || fail $EXIT_FAILED journal.root "$ROOT"
        drop_lock
    done
    LOCKED=yes
    LOG=$ROOT/log/$(date -u '+%Y%m%dT%H%M%SZ')-$COMMAND.log
    (umask 077 && cat "$SCRATCH/early-log" >>"$LOG" 2>/dev/null)
    write_log "$COMMAND $NAME $VERSION $PROFILE"
    guard_change
}

# is_at_work PROCESS START BOOT: the holder of a lock still runs; another process may have got its number since
is_at_work() {
    [ $# -eq 3 ] && [ "$3" = "$(boot_id)" ] && [ "$(start_time "$1")" = "$2" ] && is_running "$1"
}

# is_locked: some run is at work
is_locked() {
    # shellcheck disable=SC2046 # splitting is wanted
    is_at_work $(readlink "$ROOT/state/lock" 2>/dev/null)
}

# drop_lock: its run was killed, or the power went. Renaming tells who of two dropped it
drop_lock() {
    mv -f "$lock" "$lock.$$" 2>/dev/null || return 0
    if [ "$(readlink "$lock.$$")" != "$holder" ]; then ln -s "$(readlink "$lock.$$")" "$lock" 2>/dev/null; fi
    rm -rf "$lock.$$"
}

release_lock() {
    if [ -n "$LOCKED" ]; then
        LOCKED=''
        rm -f "$ROOT/state/lock"
    fi
}

boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

# start_time PROCESS: in the kernel's ticks; empty where it does not run
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# record STATE STEP: append a line to the journal. A full disk must not keep the old release from running again
record() {
    recorded=$(date -u '+%Y-%m-%dT%H:%M:%SZ')
    printf '%s\t%s\t%s\t%s\n' "$recorded" "$RELEASE" "$1" "$2" >>"$ROOT/state/journal" ||
        [ -n "$RETURNING" ] || fail $EXIT_FAILED release.disk "$ROOT"
}

# step NAME FUNCTION [ARGUMENT...]: run a step between two lines of the journal
step() {
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

# note_field NOTE KEY: a value of state/NOTE
note_field() { sed -n "s/^$2=//p" "$ROOT/state/$1" 2>/dev/null | sed -n 1p; }

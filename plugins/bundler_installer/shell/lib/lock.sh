# ---- lib/lock: one run at a time
#
# <root>/state/lock is a symbolic link that names the run: process, its start time, the boot. In addition, every process that
# a run starts inherits descriptor 9, open on <root>/state/running: it identifies what a killed run has left running, and the
# kernel keeps the file locked (flock) as long as one of these processes exists.

# take_lock: the lock is a symbolic link that names its holder; it is created in one step, so it never exists without a name
take_lock() {
    local lock running tries dropped holder guard
    [ -z "$LOCKED" ] || return 0
    mkdir -p "$ROOT/state" "$ROOT/log" || fail $EXIT_FAILED journal.root "$ROOT"
    check_root # it may have been created since the first check
    chmod 700 "$ROOT/state" "$ROOT/log" || fail $EXIT_FAILED journal.root "$ROOT"
    lock=$ROOT/state/lock running=$ROOT/state/running
    tries=0 dropped=''
    until ln -s "$$ $(start_time $$) $(boot_id)" "$lock" 2>/dev/null; do
        holder=$(readlink "$lock" 2>/dev/null)
        # shellcheck disable=SC2086 # word splitting is intended
        if is_at_work $holder; then fail $EXIT_FAILED journal.locked "${holder%% *}"; fi
        tries=$((tries + 1))
        [ "$tries" -le 3 ] || fail $EXIT_FAILED journal.root "$ROOT"
        refuse_unseen
        drop_lock
        dropped=yes
    done
    LOCKED=yes
    hold_descriptor
    LOG=$ROOT/log/$(date -u '+%Y%m%dT%H%M%SZ')-$COMMAND.log
    (umask 077 && cat "$SCRATCH/early-log" >>"$LOG" 2>/dev/null)
    write_log "$COMMAND $NAME $VERSION $PROFILE"
    clear_litter
    for guard in $LOCK_GUARDS; do "$guard"; done
}

# guard_lock FUNCTION: call it each time the lock is taken; it ends a run that must not continue
guard_lock() { LOCK_GUARDS="$LOCK_GUARDS $1"; }

# is_locked: whether a run holds the lock
is_locked() {
    # shellcheck disable=SC2046 # word splitting is intended
    is_at_work $(readlink "$ROOT/state/lock" 2>/dev/null)
}

# drop_lock: remove the lock of a run that was killed or lost power. Of two runs that try, only one succeeds in renaming it
drop_lock() {
    mv -f "$lock" "$lock.$$" 2>/dev/null || return 0
    if [ "$(readlink "$lock.$$")" != "$holder" ]; then ln -s "$(readlink "$lock.$$")" "$lock" 2>/dev/null; fi
    rm -rf "$lock.$$"
}

# release_lock: if this run holds it
release_lock() {
    [ -n "$LOCKED" ] || return 0
    LOCKED='' HELD=''
    rm -f "$ROOT/state/litter" "$ROOT/state/lock"
    exec 9>&-
}

clean_at_exit release_lock

# refuse_unseen: a run in another process namespace (another container), or on a system without /proc, looks dead. Only the
# kernel's lock can tell in that case
refuse_unseen() {
    local seen_boot seen_namespace
    seen_boot='' seen_namespace=''
    if [ -f "$running" ]; then read -r _ _ seen_boot seen_namespace _ <"$running" || :; fi
    if [ "$(boot_id)" != unknown ]; then
        if [ "$seen_boot" != "$(boot_id)" ] || [ "$seen_namespace" = "$(name_namespace)" ]; then return 0; fi
    fi
    if have flock && (flock -n 9 2>/dev/null) 9>>"$running"; then return 0; fi
    fail $EXIT_FAILED journal.unseen "$lock"
}

# hold_descriptor: open the descriptor that all children inherit, end what a killed run left running, then record this run as
# the owner
hold_descriptor() {
    local lock_code services=''
    command exec 9>>"$running" || fail $EXIT_FAILED journal.root "$ROOT"
    lock_code=2
    if have flock; then
        flock -n 9 2>/dev/null
        lock_code=$?
    fi
    if [ "$lock_code" -ne 0 ]; then
        # some file systems do not support such locks
        if ! end_leftovers && [ "$lock_code$dropped" != 2 ]; then fail $EXIT_FAILED journal.unseen "$lock"; fi
        if [ "$lock_code" -eq 1 ] && [ -z "$services" ]; then wait_for_lock || fail $EXIT_FAILED journal.unseen "$lock"; fi
    fi
    HELD=yes
    describe_run >"$running" || write_log "$running"
}

# wait_for_lock: a killed process may have left /proc and release the file only a moment later (once in 500 kills on a busy
# machine)
wait_for_lock() {
    local tries
    tries=0
    until flock -n 9 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 10 ] || return 1
        sleep 1
    done
}

# end_leftovers: end the processes of a killed run, which would otherwise work beside this one; sets `services`. Its status
# is 1 if /proc does not show which processes are running
end_leftovers() {
    local rounds leftovers=''
    rounds=0
    while :; do
        find_holders || return 1
        choose_leftovers
        [ -n "$leftovers" ] || return 0
        rounds=$((rounds + 1))
        # shellcheck disable=SC2086 # word splitting is intended
        {
            [ "$rounds" -le 5 ] || fail $EXIT_FAILED journal.leftovers_stay "$(name_processes $leftovers)"
            warn journal.leftovers "$(name_processes $leftovers)"
            end_processes $leftovers
        }
    done
}

# clear_litter: remove unfinished files of killed runs, which may hold secrets: below the root by name, elsewhere by the list
# that each run starts. The caller holds the lock
clear_litter() {
    local each list
    rm -rf "$ROOT/releases/.part" "$ROOT"/state/answers/.*.part || fail $EXIT_FAILED release.disk "$ROOT"
    rm -f "$ROOT/site.env.new" "$ROOT/secrets.env.new" "$ROOT/.ctl.new" "$ROOT/current.new" "$ROOT"/state/*.new ||
        fail $EXIT_FAILED release.disk "$ROOT"
    for each in "$ROOT"/state/unpacked.*; do
        if [ -d "$each" ] && ! is_running "${each##*.}"; then rm -rf "$each" || fail $EXIT_FAILED release.disk "$ROOT"; fi
    done
    for list in "$ROOT/state/litter" "$ROOT/state/part"; do
        [ -f "$list" ] || continue
        while IFS= read -r each; do drop_litter "$each"; done <"$list"
    done
    (cd -P -- "$SCRATCH" && pwd -P) >"$ROOT/state/litter" || write_log "$ROOT/state/litter" # if the disk is full, the folder is found by its name
}

# drop_litter PATH: only what a run creates: a scratch folder that is not in use, or an unfinished backup
drop_litter() {
    case $1 in /*/*) ;; *) return 0 ;; esac
    case ${1##*/} in
        bundle.??????) drop_scratch "${1%/*}" "${1##*/}" ;;
        .[0-9]*T[0-9]*Z-*.part) (cd -P -- "${1%/*}" 2>/dev/null && is_own_folder "./${1##*/}" && rm -rf "./${1##*/}") || : ;;
    esac
}

# ---- lib/holders: the processes that a run started and that still work: all of them inherit its descriptor 9

session_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 4; }

# find_holders: write to $SCRATCH/holders the processes whose descriptor 9 is this root's. Its status is 1 if this process is
# not among them, because /proc is then incomplete
find_holders() {
    local running_place each pid
    running_place=$(cd -P -- "$ROOT/state" && pwd -P)/running
    (
        for each in /proc/[0-9]*/fd/9; do
            if [ -L "$each" ]; then printf '%s\n' "$each"; fi
        done | xargs ls -l 2>/dev/null | sed -n 's|.* /proc/\([0-9]*\)/fd/9 -> .*/running.*|\1|p' | while read -r pid; do
            [ "$(readlink "/proc/$pid/fd/9" 2>/dev/null)" != "$running_place" ] || printf '%s\n' "$pid"
        done
    ) 9>&- >"$SCRATCH/holders"
    grep -qx "$$" "$SCRATCH/holders"
}

# choose_leftovers: of the holders except this run, sets `leftovers` and `services`: processes in a session whose leader is a
# holder as well outlive runs on purpose, as an engine does. If another run is working, this one ends
choose_leftovers() {
    local own_session held_by pid
    leftovers='' services='' own_session=$(session_of $$)
    held_by=$(tr '\n' ' ' <"$SCRATCH/holders")
    for pid in $held_by; do
        # shellcheck disable=SC2046 # word splitting is intended
        set -- $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 1,4,20)
        case ${1:-Z} in Z | X) continue ;; esac
        [ "$pid" != $$ ] || continue
        if grep -q "^$pid $3 " "$ROOT/state/running"; then fail $EXIT_FAILED journal.locked "$pid"; fi
        case "$2 $held_by" in
            "$own_session "*) leftovers="$leftovers $pid" ;;
            *" $2 "*) services="$services $pid" ;;
            *) leftovers="$leftovers $pid" ;;
        esac
    done
}

# list_held: processes that this run started and that still work
list_held() {
    local leftovers='' services=''
    find_holders || return 0
    choose_leftovers
    printf '%s\n' "$leftovers"
}

# name_processes PROCESS...: `1234 docker, 1235 tar`
name_processes() {
    local named_one member
    named_one=''
    for member in "$@"; do
        printf '%s%s %s' "$named_one" "$member" "$(sed -n 1p "/proc/$member/comm" 2>/dev/null)"
        named_one=', '
    done
}

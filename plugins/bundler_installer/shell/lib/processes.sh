# ---- lib/processes: which processes run, since when, and what they started

# start_time PROCESS: in the kernel's ticks; empty if it does not run
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

name_namespace() { readlink /proc/self/ns/pid 2>/dev/null || echo unknown; }

# is_running PROCESS: a zombie does not count
is_running() { case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in '' | Z*) return 1 ;; esac; }

# one_is_running PROCESS...: shells differ in what `kill -0` does with several processes
one_is_running() {
    local member
    for member in "$@"; do
        if is_running "$member"; then return 0; fi
    done
    return 1
}

# is_at_work PROCESS START BOOT: whether the holder of a lock still runs; its number may have been given to another process
# since
is_at_work() {
    [ $# -eq 3 ] && [ "$3" = "$(boot_id)" ] && [ "$(start_time "$1")" = "$2" ] && is_running "$1"
}

# end_processes PROCESS...: send a signal to terminate, and kill those that remain after ten seconds
end_processes() {
    local told
    kill "$@" 2>/dev/null
    told=$(date +%s)
    while one_is_running "$@" && [ $(($(date +%s) - told)) -lt 10 ]; do
        sleep 0.1 2>/dev/null || sleep 1
    done
    kill -9 "$@" 2>/dev/null
    told=$(date +%s)
    while one_is_running "$@" && [ $(($(date +%s) - told)) -lt 10 ]; do
        sleep 0.1 2>/dev/null || sleep 1
    done
}

# list_tree PROCESS [same]: its number and those of all its descendants, the youngest last, so that none is missed; `same`:
# those of its session
list_tree() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) [A-Za-z] / /' | awk -v root="$1" -v same="${2:-}" "$PROGRAM_LIB_TREE"
}

# end_tree PROCESS: end it and all its descendants
end_tree() {
    # shellcheck disable=SC2046 # word splitting is intended
    end_processes $(list_tree "$1")
    wait "$1" 2>/dev/null
    return 0
}

# ---- tools: small things that every part uses

have() { command -v "$1" >/dev/null 2>&1; }

# make_scratch: a private folder for this run, removed at its end whatever happens. Where the operator does not say, in
# memory: what it holds may be secret, and does not survive the power
make_scratch() {
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

# watch_writers: of busybox (1.35), awk, sort, cut, sed and others that print through a buffer end with 0 although it could not
# be written. What they write to files goes through `cat`, which tells
watch_writers() {
    if [ -c /dev/full ] && ! (awk 'BEGIN { print 1 }' >/dev/full) 2>/dev/null && ! (echo 1 | sort >/dev/full) 2>/dev/null; then
        return 0
    fi
    for tool in awk sort cut sed grep find head wc uniq paste ls date readlink stat df id uname od sha256sum; do
        if have "$tool"; then eval "$tool() { write_through $tool \"\$@\"; }"; fi
    done
}

# write_through PROGRAM [ARGUMENT...]: its status, 2 where a file that it prints to could not be written
write_through() {
    if [ -p /proc/self/fd/1 ]; then
        command "$@"
        return
    fi
    { both_statuses=$({ tell_status "$@" | tell_status cat >&4; } 3>&1); } 4>&1
    case $both_statuses in
        [0-9]*"${NEWLINE}0") return "${both_statuses%"$NEWLINE"0}" ;;
        *) return 2 ;;
    esac
}

# tell_status PROGRAM [ARGUMENT...]: a line on descriptor 3
tell_status() {
    command "$@" 3>&-
    printf '%s\n' $? >&3
}

end_at_signals() {
    trap 'end_run 129' HUP
    trap 'end_run 130' INT
    trap 'end_run 141' PIPE
    trap 'end_run 143' TERM
}

# end_run CODE: whatever ends the run, a change of release that is under way is undone first
end_run() {
    trap - EXIT
    trap '' PIPE # nobody may be left to read what is said
    end_code=$1
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
    if [ -n "$STARTING" ]; then
        end_tree "$STARTING"
        STARTING=''
    fi
    for pid in $HASHING; do end_tree "$pid"; done
    [ "$end_code" -eq 0 ] || end_offspring
    [ -z "$CHANGING" ] || undo_change
    [ -z "$ADOPTING" ] || undo_adoption
}

# leave CODE: end the run, which has said why
leave() {
    ENDED=$1
    exit "$1"
}

# lose_scratch: nothing can be written to the scratch folder, or a program that writes there cannot run
lose_scratch() {
    if [ -d "$SCRATCH" ] && scratch_has_room; then fail $EXIT_FAILED tools.failed; fi
    fail $EXIT_FAILED tools.scratch_full "${SCRATCH%/*}"
}

# scratch_has_room: 64 KiB more can be written there
scratch_has_room() {
    printf '%65536s' x 2>/dev/null >"$SCRATCH/room" && [ "$(wc -c <"$SCRATCH/room")" -eq 65536 ] && rm -f "$SCRATCH/room"
}

# empty_file FILE: of the scratch folder. `:` with a redirection would end some shells when it fails
empty_file() { printf '' >"$1" || lose_scratch; }

# keep FILE COMMAND...: what it prints becomes a file of the scratch folder, or the run ends
keep() {
    kept_file=$1
    shift
    "$@" >"$kept_file" || lose_scratch
}

# expect_lines FILE COUNT: a loop saw all lines of a file. `read` does not tell an error from the end
expect_lines() { [ "$(wc -l <"$1")" -eq "$2" ] || lose_scratch; }

# clean_up: a second Ctrl-C does not keep services from being started again
clean_up() {
    trap - EXIT
    trap '' HUP INT TERM
    [ ! -f "$SCRATCH/silent" ] || stty echo 2>/dev/null </dev/tty || : # from the background, stty would be stopped for ever
    [ -z "${PART:-}${UNPACKED:-}" ] || clean_backup
    [ -z "$PROBED" ] || remove_probe
    [ -z "$LITTER" ] || rm -rf "$LITTER"
    [ -z "$SCRATCH" ] || empty_scratch "$SCRATCH"
    [ -z "$LOCKED" ] || release_lock
}

# require_tools: what POSIX promises and a minimal system may lack
require_tools() {
    for tool in awk sed tar find sort mktemp tr cut od; do
        have "$tool" || fail $EXIT_FAILED tools.missing "$tool"
    done
}

# twice COMMAND...: it says no two times. A program that could not be started once has said nothing
twice() { "$@" || "$@"; }

# end_tree PROCESS: it and all that it started
end_tree() {
    # shellcheck disable=SC2046 # splitting is wanted
    end_processes $(list_tree "$1")
    wait "$1" 2>/dev/null
    return 0
}

# end_offspring: what this run started and what still works when a signal has ended the shells in between. An engine, which
# has a session of its own, goes on
end_offspring() {
    tree=$(list_tree $$ same)
    [ -z "$HELD" ] || tree="$tree $(list_held)"
    set --
    for pid in $tree; do
        if [ "$pid" != $$ ] && is_running "$pid"; then set -- "$@" "$pid"; fi
    done
    [ $# -eq 0 ] || end_processes "$@"
}

# list_tree PROCESS [same]: its number and those of all that it started, the youngest last, so that none is missed; `same`:
# those of its session
list_tree() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) [A-Za-z] / /' | awk -v root="$1" -v same="${2:-}" '
        { parent[$1] = $2; session[$1] = $4 }
        END {
            found[root]; list = root
            do {
                more = 0
                for (pid in parent) {
                    if (pid in found || !(parent[pid] in found) || (same != "" && session[pid] != session[root])) continue
                    found[pid]; list = list " " pid; more = 1
                }
            } while (more)
            print list
        }'
}

# end_processes PROCESS...: asked first, killed after ten seconds
end_processes() {
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

# is_running PROCESS: one that has ended and that nobody asks for its end does not count
is_running() { case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in '' | Z*) return 1 ;; esac; }

# one_is_running PROCESS...: shells do not agree on `kill -0` of many
one_is_running() {
    for member in "$@"; do
        if is_running "$member"; then return 0; fi
    done
    return 1
}

# count_cores: processors online
count_cores() {
    nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' "$PROBE_ROOT/proc/cpuinfo"
}

# human BYTES: 1.5 GB
human() {
    awk -v bytes="$1" 'BEGIN {
        split("B kB MB GB TB", unit, " ")
        for (i = 1; bytes >= 1000 && i < 5; i++) bytes /= 1000
        printf (i == 1 ? "%.0f %s" : "%.1f %s"), bytes, unit[i]
    }'
}

# is_number TEXT
is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# at_least VERSION WANTED: dotted numbers, missing parts are 0
at_least() {
    awk -v have="$1" -v want="$2" 'BEGIN {
        sub(/^v/, "", have)
        n = split(have, h, /[.+~-]/); m = split(want, w, /[.+~-]/)
        for (i = 1; i <= (n > m ? n : m); i++) {
            if (h[i] + 0 > w[i] + 0) exit 0
            if (h[i] + 0 < w[i] + 0) exit 1
        }
        exit 0
    }'
}

# show_plain: the first line of what came from elsewhere, for a terminal: no control characters, no marks of text direction
show_plain() {
    LC_ALL=C tr '\000-\011\013-\037\177' '?' | LC_ALL=C awk 'NR == 1 {
        gsub(/\302[\200-\237]|\330\234|\342\200[\216\217\252-\256]|\342\201[\246-\251]/, "?")
        print substr($0, 1, 300)
    }'
}

# is_text FILE: without a NUL
is_text() { [ "$1" = /dev/null ] || [ "$(tr -d '\000' <"$1" | wc -c)" -eq "$(wc -c <"$1")" ]; }

# json_string TEXT: quoted for JSON; ? for each byte that is not UTF-8 (RFC 3629, section 4)
json_string() {
    printf '%s' "$1" | LC_ALL=C awk '
        function utf8(text,   made) {
            while (match(text, /[\200-\377]/)) {
                made = made substr(text, 1, RSTART - 1); text = substr(text, RSTART)
                if (match(text, /^([\302-\337]|\340[\240-\277]|[\341-\354\356\357][\200-\277]|\355[\200-\237]|\360[\220-\277][\200-\277]|[\361-\363][\200-\277][\200-\277]|\364[\200-\217][\200-\277])[\200-\277]/)) {
                    made = made substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
                } else { made = made "?"; text = substr(text, 2) }
            }
            return made text
        }
        BEGIN { printf "\"" }
        NR > 1 { printf "\\n" }
        { $0 = utf8($0); gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/[\001-\037]/, " "); printf "%s", $0 }
        END { printf "\"" }'
}

# nearest_folder PATH: the path, or the nearest parent that exists
nearest_folder() {
    nearest=$1
    while [ ! -d "$nearest" ]; do
        case $nearest in
            */*) nearest=${nearest%/*} ;;
            *) nearest=. ;;
        esac
        [ -n "$nearest" ] || nearest=/
    done
    printf '%s\n' "$nearest"
}

# ask ID [ARGUMENT...]: yes or no on the terminal; no where there is none
ask() {
    [ -z "$YES" ] || return 0
    [ -n "$TERMINAL" ] || return 1
    printf '%s ' "$(format "$@")" >&2
    read -r answer </dev/tty || return 1
    case $answer in y | Y | yes | YES | Yes | 是) return 0 ;; esac
    return 1
}

# read_silently PROMPT: a line of the terminal that is not shown, also when it is typed before it is asked for; sets `given`
read_silently() {
    read_code=0
    : >"$SCRATCH/silent"
    stty -echo </dev/tty
    printf '%s' "$1" >&2
    IFS= read -r given </dev/tty || read_code=1
    stty echo </dev/tty
    rm -f "$SCRATCH/silent"
    printf '\n' >&2
    return "$read_code"
}

# ---- lib/host: access to this server: its files, its programs, its clock

# probe PROGRAM [ARGUMENT...]: run the host's program, or the one in the fabricated root; a busybox shell would prefer its
# built-in one
probe() {
    local program
    if [ -z "$PROBE_ROOT" ]; then
        "$@"
    else
        program=$1
        shift
        [ -x "$PROBE_ROOT/bin/$program" ] || return 127
        "$PROBE_ROOT/bin/$program" "$@"
    fi
}

# can_probe PROGRAM
can_probe() { if [ -z "$PROBE_ROOT" ]; then have "$1"; else [ -x "$PROBE_ROOT/bin/$1" ]; fi; }

# read_line FILE: the first line of a file of the host; nothing if the file does not exist
read_line() { sed -n 1p "$PROBE_ROOT$1" 2>/dev/null; }

# name_machine: the architecture of this server, as images name it
name_machine() {
    local machine
    machine=$(probe uname -m)
    case $machine in
        x86_64 | amd64) echo amd64 ;;
        i?86) echo 386 ;;
        aarch64 | arm64) echo arm64 ;;
        armv*) echo arm ;;
        loongarch64) echo loong64 ;;
        *) echo "$machine" ;;
    esac
}

# within SECONDS PROGRAM [ARGUMENT...]: run it with a time limit; the status is 124 if the limit was reached
within() {
    local within_limit within_pid within_ticks within_begun
    within_limit=$(($1 * 10))
    shift
    (run_program "$@") </dev/null &
    within_pid=$!
    within_ticks=0 within_begun=0
    while kill -0 "$within_pid" 2>/dev/null; do
        if [ "$within_ticks" -ge "$within_limit" ]; then
            kill "$within_pid" 2>/dev/null
            wait "$within_pid" 2>/dev/null
            return 124
        fi
        if [ "$within_begun" -lt 5 ]; then # most programs answer at once
            within_begun=$((within_begun + 1))
            sleep 0.02 2>/dev/null && continue
        fi
        sleep 0.1 2>/dev/null || { sleep 1 && within_ticks=$((within_ticks + 9)); }
        within_ticks=$((within_ticks + 1))
    done
    wait "$within_pid"
}

# run_program PROGRAM [ARGUMENT...]: replace this shell by the program, so that a signal reaches it; chosen as in `probe`
run_program() {
    local program
    if [ -z "$PROBE_ROOT" ]; then exec "$@"; fi
    program=$1
    shift
    [ -x "$PROBE_ROOT/bin/$program" ] || exit 127
    exec "$PROBE_ROOT/bin/$program" "$@"
}

# centiseconds: elapsed since a fixed moment in the past, from the real clock
centiseconds() { awk '{ printf "%.0f", $1 * 100 }' /proc/uptime; }

# count_cores: processors that are online
count_cores() {
    nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' "$PROBE_ROOT/proc/cpuinfo"
}

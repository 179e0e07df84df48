# ---- checks: the table checks.tsv, walked line by line; each line has a function measure_<id>

# make_checks: every check but those that need a container
make_checks() {
    empty_file "$SCRATCH/checks"
    read_engine
    walk_checks ''
}

# walk_checks KIND: the lines of checks.tsv; KIND `container` takes those that a container tells, '' all others
walk_checks() {
    keep "$SCRATCH/check-rows" rows checks.tsv
    awk -F "$TAB" '{ name = $1; gsub(/-/, "_", name); print "measure_" name "\t" $0 }' "$SCRATCH/check-rows" >"$SCRATCH/check-list" || lose_scratch
    walked=0
    while IFS="$TAB" read -r function check_id group required recommended parameter <&4; do
        walked=$((walked + 1))
        case $check_id in
            probe-* | open-files) [ "$1" = container ] || continue ;;
            *) [ -z "$1" ] || continue ;;
        esac
        case $check_id in '' | *[!a-z-]*) refuse_table "$check_id" ;; esac
        command -v "$function" >/dev/null 2>&1 || refuse_table "$check_id"
        "$function"
    done 4<"$SCRATCH/check-list"
    # a check that was not made must not look like one that passed
    [ "$walked" -eq "$(wc -l <"$SCRATCH/check-rows")" ] || lose_scratch
}

refuse_table() { fail $EXIT_VERIFICATION facts.damaged "$1"; }

# check RESULT MEASURED [REQUIRED [REMEDY]]: note what the check of this line found; a failure that was accepted
# by name becomes `accepted`. REMEDY is a text; else the message remedy.<id>
check() {
    result=$1
    if [ "$result" != pass ] && accepts "$check_id"; then result=accepted; fi
    remedy=-
    [ "$result" = pass ] || remedy=${4:-$(format "remedy.$check_id")}
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$check_id" "$group" "$result" "${2:--}" "${3:--}" "$remedy" | flatten >>"$SCRATCH/checks" || lose_scratch
}

# flatten: a record on one line, without control characters
flatten() { awk '{ gsub(/[\001-\010\013-\037]/, ""); printf "%s%s", (NR > 1 ? " " : ""), $0 } END { printf "\n" }'; }

# check_amount MEASURED SHOWN UNIT: against what is required and recommended; UNIT is `bytes` or a word shown after it
check_amount() {
    if is_number "$required" && below "$1" "$required"; then
        check fail "$2" "$(show_amount "$required" "$3")"
    elif is_number "$recommended" && below "$1" "$recommended"; then
        check warn "$2" "$(show_amount "$recommended" "$3")"
    else
        check pass "$2" "$(show_amount "$required" "$3")"
    fi
}

# below NUMBER OTHER: numbers with a decimal point, and beyond what a shell's own arithmetic holds
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'; }

show_amount() {
    case $1 in
        - | '') printf -- '-' ;;
        *)
            if [ "$2" = bytes ]; then
                human "$1"
            else
                printf '%s%s' "$1" "${2:+ $2}"
            fi
            ;;
    esac
}

# check_version FOUND: dotted numbers against what is required and recommended
check_version() {
    if [ "$required" != - ] && ! at_least "$1" "$required"; then
        check fail "$1" "$required"
    elif [ "$recommended" != - ] && ! at_least "$1" "$recommended"; then
        check warn "$1" "$recommended"
    else
        check pass "$1" "$required"
    fi
}

# probe PROGRAM [ARGUMENT...]: the host's program, or the fabricated root's own; busybox's shell would take its own first
probe() {
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

# read_line FILE: the first line of a file of the host; nothing where it is not there
read_line() { sed -n 1p "$PROBE_ROOT$1" 2>/dev/null; }

# within SECONDS PROGRAM [ARGUMENT...]: run it, but no longer; 124 where it was cut off
within() {
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
        if [ "$within_begun" -lt 5 ]; then # most answer at once
            within_begun=$((within_begun + 1))
            sleep 0.02 2>/dev/null && continue
        fi
        sleep 0.1 2>/dev/null || { sleep 1 && within_ticks=$((within_ticks + 9)); }
        within_ticks=$((within_ticks + 1))
    done
    wait "$within_pid"
}

# run_program PROGRAM [ARGUMENT...]: in place of this shell, so that a signal reaches it; as `probe` does
run_program() {
    if [ -z "$PROBE_ROOT" ]; then exec "$@"; fi
    program=$1
    shift
    [ -x "$PROBE_ROOT/bin/$program" ] || exit 127
    exec "$PROBE_ROOT/bin/$program" "$@"
}

# centiseconds: since some moment in the past, from the real clock
centiseconds() { awk '{ printf "%.0f", $1 * 100 }' /proc/uptime; }

# ---- lib/progress: how far a long step is: bytes, rate and time left. On a terminal on one line, elsewhere and in the log of
# the run on a line now and then, with --json as events
#
# A process beside the step looks every second at the positions of the files that programs of this run have open
# (/proc/PID/fdinfo). So nothing stands between a program and its data, and the step neither knows of it nor waits for it.
# Where /proc does not show positions, the time that has passed is shown.

METER_FROM=16000000 # bytes; a step with fewer ends soon
METER_AFTER=2       # seconds after which a step is a long one
METER_EVENTS=2      # seconds between two events
METER_LINES=10      # seconds between two lines

# expect_files FOLDER: the next metered step reads the files below FOLDER that standard input names, in this order
expect_files() {
    expect_nothing "$1"
    cat 2>/dev/null >"$SCRATCH/metered-names" || return 0
    (cd -- "$1" && tr '\n' '\0' <"$SCRATCH/metered-names" | xargs -0 ls -lnL) 2>/dev/null |
        awk -v OFS="$TAB" -v names="$SCRATCH/metered-names" '
            { size[$NF] = $5 }
            END { while ((getline line < names) > 0) print 1, (line in size ? size[line] : 0), line }' 2>/dev/null >"$SCRATCH/metered" || return 0
}

# expect_file FOLDER NAME BYTES: it reads or writes one file; - for unknown bytes
expect_file() {
    expect_nothing "$1"
    printf '1\t%s\t%s\n' "$3" "$2" 2>/dev/null >"$SCRATCH/metered" || return 0
}

# expect_pipe BYTES: it reads a pipe: what the process that calls `show_reader`, and its children, read; - for unknown bytes
expect_pipe() {
    expect_nothing "$SCRATCH"
    printf '1\t%s\t-\n' "$1" 2>/dev/null >"$SCRATCH/metered" || return 0
}

show_reader() {
    local reader=''
    # not in a subshell: the process that opens the file is the one that it describes
    read -r reader _ 2>/dev/null </proc/self/stat || return 0
    printf '%s\n' "$reader" 2>/dev/null >"$SCRATCH/metered-reader" || return 0
}

# expect_nothing FOLDER: forget what the last step read. Its path is without links, as /proc shows it
expect_nothing() {
    printf '' 2>/dev/null >"$SCRATCH/metered" || return 0
    printf '' 2>/dev/null >"$SCRATCH/metered-reader" || return 0
    (cd -P -- "$1" && pwd -P) 2>/dev/null >"$SCRATCH/metered-folder" || return 0
}

# metered STEP ITEM COMMAND...: run the command, whose status it returns, and show how far it is; ITEM may be empty
metered() {
    local metered_code
    start_meter "$1" "$2"
    shift 2
    "$@"
    metered_code=$?
    stop_meter
    return "$metered_code"
}

# start_meter STEP ITEM: until `stop_meter`, show how far the step is. Whatever fails here, the step does not
start_meter() {
    local metered_total each
    if [ -s "$SCRATCH/meter" ] || { [ -n "$QUIET" ] && [ -z "$JSON" ]; }; then return 0; fi
    metered_total=$(awk -F "$TAB" -v from="$METER_FROM" "$AWK_METERED"'
        { if ($METERED["bytes"] == "-") unknown = 1; sum += $METERED["bytes"] }
        END { if (unknown) print "-"; else if (NR && sum >= from) printf "%.0f\n", sum }' "$SCRATCH/metered" 2>/dev/null)
    [ -n "$metered_total" ] || return 0
    for each in ready stop drawn; do printf '' 2>/dev/null >"$SCRATCH/meter-$each" || return 0; done
    printf 'runs\n' 2>/dev/null >"$SCRATCH/meter" || return 0
    # the descriptors of locks and of pipes are not for this process: they say whether the run and its programs still work
    {
        run_meter "$1" "$2" "$metered_total" 3>&- 4>&- 5>&- 6>&- 8>&- 9>&- &
        METER=$!
    } 7>&2 2>/dev/null
}

# run_meter STEP ITEM TOTAL: in the background; it writes to descriptor 7. It ends when it is told to, by a signal or by its
# file, and when the run was killed
run_meter() {
    local sleeper ended how pace begun now seconds next_shown next_logged seen samples each bytes='' rate='' left=''
    sleeper='' ended='' how=line pace=$METER_LINES next_shown=$METER_LINES next_logged=$METER_LINES seconds=0 seen=''
    trap - EXIT
    trap '' INT
    trap 'ended=yes; [ -z "$sleeper" ] || kill "$sleeper"' HUP TERM
    printf 'yes\n' >"$SCRATCH/meter-ready" # before it looks for the other file, which whoever ends it writes before looking here
    if [ -n "$JSON" ]; then
        how=event pace=$METER_EVENTS next_shown=$METER_AFTER
    elif can_redraw; then
        how=terminal pace=1 next_shown=$METER_AFTER
    fi
    begun=$(read_clock)
    samples=$begun:0
    while [ -z "$ended" ] && [ -s "$SCRATCH/meter" ] && [ ! -s "$SCRATCH/meter-stop" ] && run_goes_on; do
        sleep 1 &
        sleeper=$!
        [ -z "$ended" ] || kill "$sleeper"
        wait "$sleeper" || break
        now=$(read_clock)
        seconds=$(((now - begun) / 100))
        if [ "$seconds" -ge "$next_shown" ]; then
            find_pace "$3"
            show_pace "$1" "$2" "$3"
            next_shown=$((seconds + pace))
        fi
    done
    [ ! -s "$SCRATCH/meter-drawn" ] || printf '\r\033[K' >&7
    [ -z "$sleeper" ] || wait "$sleeper"
    for each in -drawn ''; do printf '' >"$SCRATCH/meter$each"; done
}

# run_goes_on: the run was not killed, as far as this system can tell
run_goes_on() { kill -0 $$ && { [ ! -r /proc/self/stat ] || is_running $$; }; }

# can_redraw: a line can be rewritten on this terminal, and its operator wants to see that
can_redraw() { [ -t 1 ] && [ -t 7 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; }

# read_clock: in hundredths of a second
read_clock() { centiseconds 2>/dev/null || printf '%s00\n' "$(date +%s)"; }

# find_pace TOTAL: sets `bytes`, `rate`, `left`, `seen` and `samples`; the first three are - if they are unknown
find_pace() {
    if [ -s "$SCRATCH/metered-reader" ]; then
        bytes=$(count_read)
    else
        look_at_files >"$SCRATCH/metered-bytes" && read_metered_byte bytes seen <"$SCRATCH/metered-bytes"
    fi
    is_number "$bytes" || bytes=-
    reckon_pace "$now" "$bytes" "$1" >"$SCRATCH/metered-pace" && read_metered_pace rate left samples <"$SCRATCH/metered-pace"
    is_number "$rate" || rate=- left=-
}

# look_at_files: print the bytes of the expected files that were read or written, - if none was seen yet, and how far each
# group of them is. The files of a group are used one after the other
look_at_files() {
    local looked_at each
    looked_at=$(list_tree $$)
    set --
    for each in $looked_at; do set -- "$@" "/proc/$each/fd"; done
    {
        cat "$SCRATCH/metered-folder"
        ls -l "$@" 2>/dev/null
    } | awk -F "$TAB" -v list="$SCRATCH/metered" -v seen="$seen" "$AWK_METERED$PROGRAM_LIB_POSITIONS"
}

# count_read: print how many bytes the reader of the pipe and its children have read
count_read() {
    local each reading
    reading=$(list_tree "$(cat "$SCRATCH/metered-reader")")
    set --
    for each in $reading; do set -- "$@" "/proc/$each/io"; done
    cat "$@" 2>/dev/null | awk '$1 == "rchar:" { read += $2; n++ } END { if (n) printf "%.0f\n", read; else print "-" }'
}

# reckon_pace NOW BYTES TOTAL: print bytes a second, seconds left, and the samples of the last seconds
reckon_pace() {
    awk -v now="$1" -v bytes="$2" -v total="$3" -v samples="$samples" "$PROGRAM_LIB_PACE"
}

# show_pace STEP ITEM TOTAL: the log of the run gets as many lines as a pipe; sets `next_logged`
show_pace() {
    local line readable=''
    line=$(describe_pace "$@")
    case $how in
        event) show_event "$@" >&7 ;;
        terminal) draw_line ;;
        *)
            convert_text "$line"
            printf '%s\n' "$readable"
            ;;
    esac
    [ "$seconds" -ge "$next_logged" ] || return 0
    write_log "$line"
    next_logged=$((seconds + METER_LINES))
}

# draw_line: rewrite the terminal's line with `line`, cut where the terminal ends
draw_line() {
    local columns readable=''
    columns=$(stty size <&7 2>/dev/null)
    columns=${columns#* }
    { is_number "$columns" && [ "$columns" -gt 1 ]; } || columns=80
    convert_text "$(printf '%s\n' "$line" | LC_ALL=C awk -v columns="$columns" "$PROGRAM_LIB_BYTES$PROGRAM_LIB_CELLS$PROGRAM_LIB_CUT")"
    [ -s "$SCRATCH/meter-drawn" ] || printf 'yes\n' >"$SCRATCH/meter-drawn"
    printf '\r%s\033[K' "$readable" >&7
}

# show_event STEP ITEM TOTAL
show_event() {
    printf '{"event":"progress","step":"%s","item":%s,"bytes":%s,"total":%s,"rate":%s,"left":%s,"seconds":%s}\n' \
        "$1" "$(json_text "${2:--}")" "$(json_number "$bytes")" "$(json_number "$3")" "$(json_number "$rate")" "$(json_number "$left")" "$seconds"
}

# json_number NUMBER: null for -
json_number() { case $1 in '' | -) printf null ;; *) printf '%s' "$1" ;; esac; }

# describe_pace STEP ITEM TOTAL: print the line. An estimate that turned out too low is not shown
describe_pace() {
    local label paced_total
    label=$(format "progress.step_$1" "$2") paced_total=$3
    if [ "$bytes" = - ]; then
        case $paced_total in
            -) format progress.elapsed "$label" "$(describe_seconds "$seconds")" ;;
            *) format progress.elapsed_of "$label" "$(human "$paced_total")" "$(describe_seconds "$seconds")" ;;
        esac
        return
    fi
    if [ "$paced_total" != - ] && below "$paced_total" "$bytes"; then paced_total=-; fi
    case $paced_total:$left in
        -:*) format progress.no_total "$label" "$(human "$bytes")" "$(human "$rate")" ;;
        *:-) format progress.no_left "$label" "$(human "$bytes")" "$(human "$paced_total")" "$(human "$rate")" ;;
        *) format progress.known "$label" "$(human "$bytes")" "$(human "$paced_total")" "$(human "$rate")" "$(describe_seconds "$left")" ;;
    esac
}

# describe_seconds NUMBER
describe_seconds() {
    if [ "$1" -lt 100 ]; then
        format progress.seconds "$1"
    elif [ "$1" -lt 5970 ]; then
        format progress.minutes "$((($1 + 30) / 60))"
    else
        format progress.hours "$((($1 + 30) / 3600))" "$((($1 + 30) % 3600 / 60))"
    fi
}

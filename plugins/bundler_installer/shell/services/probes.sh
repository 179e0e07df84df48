# ---- services/probes: whether the application works, beyond running: commands in its services' containers that must end with
# 0. All of them run at the same time, each with a time limit. A release without the table has none

PROBE_PATIENCE=60 # seconds in which a probe that fails after a start is repeated: healthy services may not work together yet
PROBE_PACE=3      # factor for its time limit during that time: a server that has just started everything is slow
PROBE_LONGEST=9   # limit of a probe in seconds, whatever the table says
PROBE_OUTPUT=65536 # bytes of output kept of each probe; one that prints more has failed

# list_probes: the lines of probes.tsv, with limits capped at this program's maximum
list_probes() {
    [ ! -f "$FACTS/probes.tsv" ] || rows probes.tsv | awk -F "$TAB" -v OFS="$TAB" -v most="$PROBE_LONGEST" "$AWK_PROBE"'
        $PROBE["limit"] + 0 > most { $PROBE["limit"] = most }
        { print }'
}

# prove_work: run the probes after all services are healthy, or those of the services that the operator named. Its status is 1 if a probe failed that is not accepted by name;
# in this case it sets `unproven` to its id. During a return to an earlier release, failures are only reported: the probe may
# have failed there before
prove_work() {
    local proof_begun
    unproven=''
    rm -rf "$SCRATCH/probing" || lose_scratch # results of another release
    keep "$SCRATCH/all-probes" list_probes
    awk -F "$TAB" -v chosen=" $SERVICES " "$AWK_PROBE"'
        chosen == "  " || index(chosen, " " $PROBE["service"] " ")' "$SCRATCH/all-probes" >"$SCRATCH/probes" || lose_scratch
    [ -s "$SCRATCH/probes" ] || return 0
    say probes.start "$(wc -l <"$SCRATCH/probes" | tr -d ' ')"
    proof_begun=$(date +%s)
    make_probes
    while [ "$(count_probed fail)" -gt 0 ] && [ $(($(date +%s) - proof_begun)) -lt "$PROBE_PATIENCE" ]; do
        sleep 2
        make_probes "$PROBE_PACE"
    done
    explain_probes
    if [ -z "$unproven" ]; then
        say probes.passed
    elif [ -n "$RETURNING" ]; then
        unproven=''
    fi
    [ -z "$unproven" ]
}

# explain_probes: for each probe that failed, its output and the remedy; sets `unproven`
explain_probes() {
    local probed_lines id='' result='' said='' recorded='' remedy='' service='' title=''
    probed_lines=0
    while read_probed id result said <&6; do
        probed_lines=$((probed_lines + 1))
        [ "$result" = fail ] || continue
        describe_probe "$id"
        warn probes.failed "$id" "$title" "$said"
        if accepts "probe-$id"; then
            record accepted "probe-$id"
        else
            [ "$remedy" = - ] || warn probes.remedy "$remedy"
            unproven="$unproven$id "
        fi
    done 6<"$SCRATCH/probed"
    expect_lines "$SCRATCH/probed" "$probed_lines"
}

# count_probed RESULT: how many of the probes that ran have that result
count_probed() { awk -F "$TAB" -v result="$1" "$AWK_PROBED"'$PROBED["result"] == result { n++ } END { print n + 0 }' "$SCRATCH/probed"; }

# describe_probe ID: sets `title`, `remedy` and `service`, in the operator's language
describe_probe() {
    awk -F "$TAB" -v id="$1" -v language="$LANGUAGE" "$AWK_PROBE$PROGRAM_SERVICES_PROBE" "$SCRATCH/probes" >"$SCRATCH/probe-text" || lose_scratch
    { IFS= read -r title && IFS= read -r remedy && IFS= read -r service; } <"$SCRATCH/probe-text" || lose_scratch
}

# make_probes [PACE]: run those of the list $SCRATCH/probes that have not passed yet. $SCRATCH/probed has a line for each in
# the list: id, result (pass, fail, or skip if it does not apply), and the output of a failed one
make_probes() {
    local probing pending probe_lines probes_begun limit id='' service='' script='' when=''
    probing=$SCRATCH/probing
    mkdir -p "$probing" || lose_scratch
    pending='' probe_lines=0 probes_begun=$(date +%s)
    while read_probe id service limit script when <&6; do
        probe_lines=$((probe_lines + 1))
        if [ -f "$probing/$id/code" ] && [ "$(cat "$probing/$id/code")" = 0 ]; then continue; fi
        { rm -rf "${probing:?}/$id" && mkdir "$probing/$id"; } || lose_scratch
        if [ "$when" != - ] && ! site_says "$when"; then
            empty_file "$probing/$id/skip"
        else
            limit=$((limit * ${1:-1}))
            start_probe
        fi
    done 6<"$SCRATCH/probes"
    expect_lines "$SCRATCH/probes" "$probe_lines"
    wait_for_probes
    keep "$SCRATCH/probed" judge_probes
    expect_lines "$SCRATCH/probed" "$probe_lines"
}

# site_says NAME: whether the site gives this variable a value; assumed if that cannot be determined
site_says() {
    [ -f "$ROOT/state/compose.env" ] || return 1
    grep -q -e "^$1='[^']" -e "^$1=\"" "$ROOT/state/compose.env"
    [ $? -ne 1 ]
}

# start_probe: start the probe of the line that was read, in the background; sets `pending`: id:process:limit of each that
# runs
start_probe() {
    local input words word
    input=/dev/null
    [ "$script" = - ] || input=$FACTS/$script
    keep "$probing/$id/words" list_words "$id"
    empty_file "$probing/$id/errors"
    empty_file "$probing/$id/said"
    set -- "$service"
    words=0
    while IFS= read -r word; do
        words=$((words + 1))
        set -- "$@" "$word"
    done <"$probing/$id/words"
    expect_lines "$probing/$id/words" "$words"
    if [ "$words" -eq 0 ] || [ ! -r "$input" ]; then
        format probes.incomplete "$script" >"$probing/$id/said" || lose_scratch
        printf '1\n' >"$probing/$id/code" || lose_scratch
        return 0
    fi
    # two files: in one, the engine mixes both outputs in any order, and the reason may be anywhere
    {
        {
            {
                run_in "$@" <"$input" 2>&7
                printf '%s\n' $? >"$probing/$id/code"
            } | head -c "$PROBE_OUTPUT" >"$probing/$id/said"
        } 7>&1 | head -c "$PROBE_OUTPUT" >"$probing/$id/errors"
    } 2>/dev/null &
    pending="$pending $id:$!:$limit"
}

# list_words ID: program and arguments, one per line
list_words() {
    [ ! -f "$FACTS/probe-words.tsv" ] || look_up probe-words.tsv probe "$1" word
}

# wait_for_probes: wait until each has ended; sets `pending`; a probe that reaches its limit is killed and has failed
wait_for_probes() {
    local still passed each id limit pid
    while [ -n "$pending" ]; do
        still=''
        passed=$(($(date +%s) - probes_begun))
        for each in $pending; do
            id=${each%%:*} limit=${each##*:}
            pid=${each#*:} pid=${pid%:*}
            # a background process of the probe may keep its output open, but the probe itself has ended and cannot be waited
            # for
            if ! kill -0 "$pid" 2>/dev/null || { [ -s "$probing/$id/code" ] && ! is_running "$pid"; }; then
                wait "$pid" 2>/dev/null
            elif [ "$passed" -gt "$limit" ]; then
                # killed at once, because ten seconds are all the time there is
                # shellcheck disable=SC2046 # word splitting is intended
                kill -9 $(list_tree "$pid") 2>/dev/null
                wait "$pid" 2>/dev/null
                [ -s "$probing/$id/code" ] || printf 'late %s\n' "$limit" >"$probing/$id/code" || lose_scratch
            else
                still="$still $each"
            fi
        done
        pending=$still
        [ -z "$pending" ] || sleep 0.1 2>/dev/null || sleep 1
    done
}

# judge_probes: print a line for each in the list
judge_probes() {
    local code id=''
    while read_probe id <&6; do
        if [ -f "$probing/$id/skip" ]; then
            printf '%s\tskip\t-\n' "$id" || return 1
            continue
        fi
        code=''
        [ ! -f "$probing/$id/code" ] || IFS= read -r code <"$probing/$id/code"
        if [ "$code" = 0 ]; then
            printf '%s\tpass\t-\n' "$id" || return 1
        else
            drop_cut_lines || return 1
            write_log "probe $id: $(list_outputs)"
            printf '%s\tfail\t%s\n' "$id" "$(tell_failure)" || return 1
        fi
    done 6<"$SCRATCH/probes"
}

# drop_cut_lines: remove the last line of each output of $id that was cut off: part of a secret would not be recognized
drop_cut_lines() {
    local output
    for output in "$probing/$id/errors" "$probing/$id/said"; do
        [ "$(wc -c <"$output")" -ge "$PROBE_OUTPUT" ] || continue
        sed '$d' "$output" >"$probing/$id/whole" && mv -f "$probing/$id/whole" "$output" || return 1
    done
}

# list_outputs: for the log, the end of both outputs of $id, errors first
list_outputs() {
    local output
    for output in "$probing/$id/errors" "$probing/$id/said"; do
        redact <"$output" | tail -n 20 | LC_ALL=C tr '\000-\010\013-\037\177' '?'
    done
}

# list_last_lines: of both outputs of $id, errors first, the last three lines that say something
list_last_lines() {
    local output
    for output in "$probing/$id/errors" "$probing/$id/said"; do
        tr -d '\000' <"$output" | redact | LC_ALL=C tr '\011' ' ' | grep -v '^[[:space:]]*$\|^exit status [0-9]*$\|^command terminated with exit code [0-9]*$' | tail -n 3
    done
}

# tell_failure: print the last lines of both outputs of $id, errors first, which ended with $code or did not end
tell_failure() {
    local said line
    keep "$probing/$id/tail" list_last_lines
    said=''
    while IFS= read -r line || [ -n "$line" ]; do
        said="$said${said:+ / }$(printf '%s\n' "$line" | show_plain)"
    done <"$probing/$id/tail"
    case $code in
        'late '*) format probes.late "${code#late }" "${said:--}" ;;
        *) if [ -n "$said" ]; then printf '%s' "$said"; else format probes.silent "${code:--}"; fi ;;
    esac
}

# print_probes: for `status`
print_probes() {
    local id='' result='' said='' mark='' remedy='' service='' title=''
    while read_probed id result said <&6; do
        describe_probe "$id"
        choose_mark
        case $result in
            pass) printf '%s %s: %s\n' "$mark" "$title" "$(format probes.ok)" ;;
            skip) printf '%s %s: %s\n' "$mark" "$title" "$(format probes.unused)" ;;
            *)
                printf '%s %s: %s\n' "$mark" "$title" "$(format probes.not_ok "$said")"
                [ "$remedy" = - ] || printf '      %s\n' "$remedy"
                ;;
        esac
    done 6<"$SCRATCH/probed"
}

print_probes_json() {
    local comma result said remedy id='' service='' title=''
    printf '"probes": ['
    comma=''
    while read_probed id result said <&6; do
        describe_probe "$id"
        [ "$said" != - ] || said=''
        [ "$remedy" != - ] || remedy=''
        case $result in
            pass) result=ok ;;
            skip) result='not applicable' ;;
            *) result=failed ;;
        esac
        printf '%s\n  {"id": "%s", "service": "%s", "title": %s, "result": "%s", "said": %s, "remedy": %s}' "$comma" "$id" "$service" \
            "$(json_string "$title")" "$result" "$(json_string "$said")" "$(json_string "$remedy")"
        comma=,
    done 6<"$SCRATCH/probed"
    printf '\n]'
}

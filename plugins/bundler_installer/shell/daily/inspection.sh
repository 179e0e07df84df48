# ---- daily/inspection: the daily inspection. One record per line: what, result (pass, warn, fail, info), measured, limit

# run_inspect: the full inspection, which also works if the engine does not answer; `status` shows the services and
# `inspect_site`
run_inspect() {
    local troubled
    use_current
    RELEASE=${HERE##*/}
    empty_file "$SCRATCH/inspection"
    inspect_engine
    if [ -n "$DOCKER" ]; then
        inspect_services
        inspect_probes
        inspect_use
    fi
    inspect_site
    inspect_clock
    if [ -n "$JSON" ]; then show print_inspection_json; else show print_inspection; fi
    troubled=$(count_troubled)
    if [ "$troubled" -gt 0 ]; then
        [ -n "$JSON" ] || warn inspect.troubled "$troubled"
        exit $EXIT_FAILED
    fi
    say inspect.well
}

count_troubled() { awk -F "$TAB" "$AWK_INSPECTED"'$INSPECTED["result"] ~ /^(warn|fail)$/ { n++ } END { print n + 0 }' "$SCRATCH/inspection"; }

# note WHAT RESULT MEASURED LIMIT
note() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "${3:--}" "${4:--}" >>"$SCRATCH/inspection"; }

inspect_engine() {
    DOCKER=''
    if target_answers && find_compose; then
        DOCKER=yes
        note engine pass "$(name_target)"
    else
        note engine fail "$(format checks.none)"
    fi
}

# inspect_site: checks that take no time: CPU, memory, disks, certificates, the last backup, interrupted runs
inspect_site() {
    inspect_memory
    inspect_disk "$ROOT"
    [ -z "$DOCKER" ] || inspect_disk "$(engine_folder)"
    inspect_certificates
    if target_has backups; then inspect_backups; fi
    inspect_state
}

# inspect_services: state and health of each, how often it restarted, whether it ran out of memory
inspect_services() {
    local up_code state restarts result service='' expect='' early='' broken='' waiting='' young='' over=''
    empty_file "$SCRATCH/before"
    up_code=0
    read_states || {
        note engine fail "$(format checks.unknown)"
        return
    }
    rows services.tsv >"$SCRATCH/expected"
    while read_service service expect <&5; do
        state=$(awk -v service="$service" '$1 == service { printf "%s%s%s", comma, $2, ($3 == "none" ? "" : "/" $3); comma = "," }' "$SCRATCH/containers")
        restarts=$(awk -v service="$service" '$1 == service { n += $5 } END { print n + 0 }' "$SCRATCH/containers")
        result=pass
        case " $waiting$broken " in *" $service "*) result=fail ;; esac
        note "service $service" "$result" "${state:-$(format checks.none)}" "$expect"
        [ "$restarts" -lt 3 ] || note "restarts $service" warn "$restarts" '< 3'
        awk -v service="$service" '$1 == service { print $6 }' "$SCRATCH/containers" >"$SCRATCH/ids"
        [ -s "$SCRATCH/ids" ] || continue
        if lacked_memory; then note "memory $service" fail "$(format inspect.killed)"; fi
    done 5<"$SCRATCH/expected"
}

# inspect_use: the current resource usage of the containers
inspect_use() {
    local result name='' cpu='' memory='' share=''
    awk '$2 == "running" { print $6 }' "$SCRATCH/containers" >"$SCRATCH/ids"
    [ -s "$SCRATCH/ids" ] || return 0
    measure_use || return 0
    while read_container_use name cpu memory share <&5; do
        result=info
        if awk -v share="${share%\%}" 'BEGIN { exit !(share + 0 >= 90) }'; then result=warn; fi
        note "use $name" "$result" "CPU $cpu, $memory ($share)" '< 90%'
    done 5<"$SCRATCH/stats"
}

inspect_memory() {
    local share load result
    share=$(awk '/^MemTotal:/ { all = $2 } /^MemAvailable:/ { free = $2 } END { if (all) printf "%.0f", 100 - 100 * free / all }' \
        "$PROBE_ROOT/proc/meminfo" 2>/dev/null)
    result=pass
    [ "${share:-100}" -lt 90 ] || result=warn
    if [ -n "$share" ]; then share=$share%; else share=$(format checks.unknown); fi
    note memory "$result" "$share" '< 90%'
    load=$(cut -d ' ' -f 1-3 "$PROBE_ROOT/proc/loadavg" 2>/dev/null) || load=$(format checks.unknown)
    note load info "$load, $(count_cores) CPU"
}

# inspect_disk FOLDER: free space and inodes
inspect_disk() {
    local kind
    [ -d "$1" ] || return 0
    for kind in disk inodes; do
        if [ "$kind" = disk ]; then df -Pk "$1"; else df -Pi "$1"; fi 2>/dev/null | awk -v kind="$kind" -v folder="$1" '
            NR == 2 && $5 ~ /^[0-9]+%$/ {
                used = $5 + 0
                printf "%s %s\t%s\t%s\t< 85%%\n", kind, folder, (used >= 95 ? "fail" : (used >= 85 ? "warn" : "pass")), $5
            }' >>"$SCRATCH/inspection"
    done
}

# inspect_certificates: those that the application declares, and those in data/tls
inspect_certificates() {
    local file until result
    have openssl || return 0
    {
        [ ! -f "$FACTS/certificates.tsv" ] || list_column certificates.tsv certificate_path | sed "s|^|$ROOT/data/|"
        find "$ROOT/data/tls" -type f \( -name '*.crt' -o -name '*.pem' \) 2>/dev/null
    } | sort -u >"$SCRATCH/certificate-files"
    while IFS= read -r file <&5; do
        grep -q 'BEGIN CERTIFICATE' "$file" 2>/dev/null || continue
        until=$(openssl x509 -in "$file" -noout -enddate 2>/dev/null | sed 's/.*=//')
        result=pass
        openssl x509 -in "$file" -noout -checkend 2592000 >/dev/null 2>&1 || result=warn
        openssl x509 -in "$file" -noout -checkend 0 >/dev/null 2>&1 || result=fail
        note "certificate ${file#"$ROOT/data/"}" "$result" "${until:-$(format checks.none)}" "$(format inspect.days 30)"
    done 5<"$SCRATCH/certificate-files"
}

# inspect_backups: the age of the newest one; the limit is a day if there is a schedule, else a week
inspect_backups() {
    local limit each last hours result
    limit=7
    case $(fact backup_schedule) in [0-9]*) limit=1 ;; esac
    for each in "$ROOT/backups"/*/backup.env "$ROOT/state/last-backup"; do
        if [ -f "$each" ]; then sed -n 's/^created=//p' "$each"; fi
    done | LC_ALL=C sort | tail -n 1 >"$SCRATCH/last-backup"
    last=$(cat "$SCRATCH/last-backup")
    if [ -z "$last" ]; then
        note backup warn "$(format checks.none)" "$(format inspect.days "$limit")"
        return
    fi
    hours=$(awk -v then="$last" -v now="$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$PROGRAM_DAILY_AGE")
    result=pass
    { [ "$hours" -le $((limit * 24 + 2)) ] && [ "$hours" -ge -1 ]; } || result=warn # a date in the future means that a clock was wrong
    note backup "$result" "$last" "$(format inspect.days "$limit")"
}

# inspect_state: what an interrupted run left behind
inspect_state() {
    local each
    if ! is_locked; then
        if [ -f "$ROOT/state/restore" ]; then note restore fail "$(format inspect.half)"; fi
        if [ -f "$ROOT/state/stopped" ]; then note backup fail "$(format inspect.left_stopped)"; fi
    fi
    for each in "$ROOT"/data.before-restore-*; do
        if [ -d "$each" ]; then note "${each##*/}" info "$(human "$(count_bytes "$each")")"; fi
    done
}

inspect_clock() {
    have timedatectl || return 0
    case $(timedatectl show -p NTPSynchronized --value 2>/dev/null) in
        yes) note clock pass "$(format inspect.in_time)" ;;
        no) note clock warn "$(format inspect.not_in_time)" ;;
    esac
}

print_inspection() {
    print_line status.release "$TITLE" "$VERSION" "$PROFILE" "$RELEASE"
    print_records
}

print_records() {
    local limit what='' result='' measured='' mark=''
    while read_inspected what result measured limit; do
        choose_mark
        case $limit in - | '') limit='' ;; *) limit="  ($limit)" ;; esac
        printf '%s %s: %s%s\n' "$mark" "$(name_inspected "$what")" "$measured" "$limit"
    done <"$SCRATCH/inspection"
}

# name_inspected "WHAT [WHICH]": the first word in the operator's language
name_inspected() {
    case $1 in
        data.*) printf '%s' "$1" ;;
        *' '*) printf '%s %s' "$(format "inspect.what.${1%% *}")" "${1#* }" ;;
        *) format "inspect.what.$1" ;;
    esac
}

print_inspection_json() {
    printf '{"name": "%s", "version": "%s", "profile": "%s", "release": "%s", ' "$NAME" "$VERSION" "$PROFILE" "$RELEASE"
    print_records_json
    printf '}\n'
}

print_records_json() {
    local comma what='' result='' measured='' limit=''
    printf '"inspection": ['
    comma=''
    while read_inspected what result measured limit; do
        printf '%s\n  {"what": %s, "result": "%s", "measured": %s, "limit": %s}' "$comma" \
            "$(json_string "$what")" "$result" "$(json_string "$measured")" "$(json_string "$limit")"
        comma=,
    done <"$SCRATCH/inspection"
    printf '\n]'
}

# inspect_probes: a record per probe for the daily inspection
inspect_probes() {
    local id='' result='' said=''
    keep "$SCRATCH/probes" list_probes
    make_probes
    while read_probed id result said <&6; do
        case $result in
            pass) note "probe $id" pass "$(format probes.ok)" ;;
            skip) note "probe $id" info "$(format probes.unused)" ;;
            *) note "probe $id" fail "$said" ;;
        esac
    done 6<"$SCRATCH/probed"
}

# ---- preflight/site: checks of what already exists on the site

# measure_installation: an earlier release, an interrupted run, a folder of something else, or the same project in another
# place
measure_installation() {
    local elsewhere own folder open_step
    elsewhere=''
    own=$(cd -P -- "$ROOT" 2>/dev/null && pwd -P)
    if [ -n "$DOCKER" ]; then
        elsewhere=$(docker ps -a --filter "label=com.docker.compose.project=$PROJECT" \
            --format '{{.Label "com.docker.compose.project.working_dir"}}' 2>/dev/null |
            grep -v '^$' | while IFS= read -r folder; do
            case $folder in "$ROOT"/* | "${own:-$ROOT}"/*) ;; *) printf '%s\n' "$folder" ;; esac
        done | sed -n 1p)
    fi
    if [ -n "$elsewhere" ]; then
        check fail "$(format checks.elsewhere "$PROJECT" "$elsewhere")" - "$(format remedy.elsewhere "$ROOT")"
    elif [ ! -e "$ROOT" ]; then
        check pass "$(format checks.none)"
    elif [ -f "$ROOT/state/journal" ]; then
        open_step=$(awk -F "$TAB" "$AWK_JOURNAL_LINE"'
            { event = $JOURNAL_LINE["event"]; step = $JOURNAL_LINE["step"] }
            event == "begin" { open = step }
            (event == "end" || event == "failed") && step == open { open = "" }
            END { print open }' "$ROOT/state/journal")
        if [ -n "$open_step" ]; then
            check warn "$(format checks.half "$open_step")" - "$(format remedy.half)"
        elif [ -f "$CURRENT/bundle.env" ]; then
            check pass "$(format checks.release "$(sed -n 's/^version=//p' "$CURRENT/bundle.env" | sed -n 1p)")"
        else
            check pass "$(format checks.none)"
        fi
    elif [ ! -d "$ROOT" ]; then
        check fail "$(format checks.no_folder "$ROOT")"
    elif [ -n "$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name backups ! -name receipts ! -name data ! -name site.env ! -name secrets.env ! -name log ! -name state 2>/dev/null | sed -n 1p)" ]; then
        check warn "$(format checks.foreign "$ROOT")" - "$(format remedy.foreign)"
    else
        check pass "$(format checks.none)"
    fi
}

# measure_host_name: a name that the installation would take from this server must be one that the application accepts
measure_host_name() {
    local made found_result name='' kind='' generator=''
    rows variables.tsv >"$SCRATCH/host-variables"
    made='' found_result=fail
    if [ -n "$TERMINAL" ] && [ -z "$YES" ]; then found_result=warn; fi # the operator is asked for it
    while read_variable name kind generator; do
        if [ "$generator" != fqdn ] || [ -f "$VALUES/$name" ]; then continue; fi
        made=$(full_name | tr -d '\n')
        if (QUIET=yes && check_value "$name" "$made") >/dev/null 2>&1; then
            check pass "$name: $made"
        else
            check "$found_result" "$name: $made" "$(format "kind.$kind")" "$(format remedy.host-name "$name" "$name")"
        fi
    done <"$SCRATCH/host-variables"
    [ -n "$made" ] || check pass -
}

# measure_certificate: the one that was given or already exists; if there is none yet, `install` asks for it
measure_certificate() {
    local there host='' certificate='' key='' self_signed='' certificate_path='' ends=''
    rows certificates.tsv >"$SCRATCH/certificate-rows"
    if [ ! -s "$SCRATCH/certificate-rows" ]; then
        check pass -
        return
    fi
    there=''
    while read_certificate host certificate key self_signed certificate_path; do
        [ -n "$(value "$host")" ] || continue
        if [ -n "$(value "$certificate")$(value "$key")" ] || [ "$(value "$self_signed")" = true ] || [ -f "$ROOT/data/$certificate_path" ]; then
            there=yes
        fi
    done <"$SCRATCH/certificate-rows"
    if [ -z "$there" ]; then
        check pass "$(format checks.not_given)"
    elif (QUIET=yes && check_certificates) >/dev/null 2>"$SCRATCH/certificate-said"; then
        if [ -s "$SCRATCH/certificate-said" ]; then
            check warn "$(sed -n 1p "$SCRATCH/certificate-said")"
        else
            check pass "$(format checks.good)"
        fi
    else
        check fail "$(sed -n 1p "$SCRATCH/certificate-said")"
    fi
}

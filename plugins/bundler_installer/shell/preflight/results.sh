# ---- preflight/results: the results of the checks, for people and for programs

# print_checks WHICH: all results by group, or only those that are not `pass`
print_checks() {
    local shown_group said checked moot id='' result='' measured='' needed='' remedy='' level='' mark=''
    for shown_group in hardware system storage engine network site; do
        awk -F "$TAB" -v group="$shown_group" -v which="$1" "$AWK_FINDING"'
            $FINDING["group"] == group && ($FINDING["result"] != "pass" || which == "all" && $FINDING["measured"] != "-")' "$SCRATCH/checks" >"$SCRATCH/group-checks"
        [ -s "$SCRATCH/group-checks" ] || continue
        printf '%s%s%s\n' "$BOLD" "$(format "group.$shown_group")" "$PLAIN"
        while read_finding id result measured needed remedy level; do
            choose_mark
            said=$(describe_check)
            printf '  %s %s\n' "$mark" "$said"
            case $result in
                warn | fail) printf '      %s\n' "$(format preflight.remedy "$remedy" "$id")" ;;
                accepted) printf '      %s\n' "$(format preflight.accepted "$id")" ;;
            esac
        done <"$SCRATCH/group-checks"
    done
    if [ "$1" = all ]; then
        moot=$(awk -F "$TAB" "$AWK_FINDING"'$FINDING["result"] == "pass" && $FINDING["measured"] == "-"' "$SCRATCH/checks" | wc -l) || lose_scratch
        [ "$moot" -eq 0 ] || print_line preflight.moot "${moot##* }" # some versions of wc indent the number
    fi
    checked=$(date -u '+%Y-%m-%dT%H:%M:%SZ')
    while read_finding id result measured needed; do
        write_log "$result $id $measured ($needed)" "$checked"
    done <"$SCRATCH/checks"
}

# describe_check: id, measured and required or recommended value on one line
describe_check() {
    if [ "$measured" = - ]; then
        format preflight.line_moot "$(format "check.$id")"
    elif [ "$needed" = - ]; then
        format preflight.line_free "$(format "check.$id")" "$measured"
    elif [ "$level" = recommended ]; then
        format preflight.line_recommended "$(format "check.$id")" "$measured" "$needed"
    else
        format preflight.line "$(format "check.$id")" "$measured" "$needed"
    fi
}

# list_failed: failed checks stand among the mistakes
list_failed() {
    local id='' result='' measured='' needed='' remedy='' level=''
    while read_finding id result measured needed remedy level; do
        [ "$result" != fail ] || mistake mistakes.check "$(describe_check)" "$remedy" "$id"
    done <"$SCRATCH/checks"
}

# of_level LEVEL: what the finding needs, if it is of that level
of_level() { if [ "$level" = "$1" ]; then printf '%s' "$needed"; else printf -- '-'; fi; }

print_checks_json() {
    local comma id='' group='' result='' measured='' needed='' remedy='' level=''
    printf '{"name": "%s", "version": "%s", "profile": "%s", "host": %s, "result": "%s", "checks": [' "$NAME" "$VERSION" "$PROFILE" \
        "$(json_string "$(probe hostname 2>/dev/null)")" "$(result_of_all)"
    comma=''
    while read_finding id group result measured needed remedy level; do
        printf '%s\n  {"id": "%s", "group": "%s", "result": "%s", "measured": %s, "required": %s, "recommended": %s, "remedy": %s}' "$comma" \
            "$id" "$group" "$result" "$(json_text "$measured")" "$(json_text "$(of_level required)")" \
            "$(json_text "$(of_level recommended)")" "$(json_text "$remedy")"
        comma=,
    done <"$SCRATCH/checks"
    printf '\n]}\n'
}

# record_accepted: record in the installation which failures the operator accepted by name; $SCRATCH/noted-checks has them and
# the warnings for the receipt
record_accepted() {
    local id='' result='' measured='' needed='' recorded=''
    awk -F "$TAB" "$AWK_FINDING"'$FINDING["result"] ~ /^(accepted|warn)$/' "$SCRATCH/checks" >>"$SCRATCH/noted-checks" || lose_scratch
    while read_finding id result measured needed; do
        [ "$result" = accepted ] || continue
        printf '%s\t%s\t%s\t%s\t%s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$RELEASE" "$id" "$measured" "$needed" >>"$ROOT/state/accepted"
        record accepted "$id"
    done <"$SCRATCH/checks"
}

# ---- preflight/checks: run the checks of the table checks.tsv; each line has a function measure_<id>

# walk_checks KIND: the lines of checks.tsv; KIND `container` selects the checks done in a container, '' all others
walk_checks() {
    local walked function id='' group='' required='' recommended='' parameter=''
    keep "$SCRATCH/check-rows" rows checks.tsv
    walked=0
    while read_check id group required recommended parameter <&4; do
        walked=$((walked + 1))
        case $id in
            probe-* | open-files) [ "$1" = container ] || continue ;;
            *) [ -z "$1" ] || continue ;;
        esac
        case $id in '' | *[!a-z-]*) refuse_table "$id" ;; esac
        function=measure_$id
        while [ "${function#*-}" != "$function" ]; do function=${function%%-*}_${function#*-}; done
        command -v "$function" >/dev/null 2>&1 || refuse_table "$id"
        "$function"
    done 4<"$SCRATCH/check-rows"
    # a check that did not run must not look like one that passed
    [ "$walked" -eq "$(wc -l <"$SCRATCH/check-rows")" ] || lose_scratch
}

refuse_table() { fail $EXIT_VERIFICATION facts.damaged "$1"; }

# check RESULT MEASURED [REQUIRED [REMEDY]]: record the result of the current check; a failure accepted by name becomes
# `accepted`. REMEDY is a text, by default the message remedy.<id>
check() {
    local result remedy level=''
    result=$1
    judge_level "$result" "${3:--}"
    if [ "$result" != pass ] && accepts "$id"; then result=accepted; fi
    remedy=-
    [ "$result" = pass ] || remedy=${4:-$(format "remedy.$id")}
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$id" "$group" "$result" "${2:--}" "${3:--}" "$remedy" "$level" | flatten >>"$SCRATCH/checks" || lose_scratch
}

# judge_level RESULT NEEDED: whether NEEDED is required or only recommended; sets `level`. The table may have both values; for
# a check without a table value, a warning is about a recommendation
judge_level() {
    level=required
    case $2 in "${required:--}" | "$(show_amount "${required:--}" bytes)") [ "${required:--}" = - ] || return 0 ;; esac
    case $2 in "${recommended:--}" | "$(show_amount "${recommended:--}" bytes)") level=recommended ;; esac
    case $1:${required:--}:${recommended:--} in warn:* | pass:-:[!-]*) level=recommended ;; esac
}

# flatten: print a record on one line, without control characters
flatten() { awk '{ gsub(/[\001-\010\013-\037]/, ""); printf "%s%s", (NR > 1 ? " " : ""), $0 } END { printf "\n" }'; }

# check_amount MEASURED SHOWN UNIT: compare with the required and the recommended amount; UNIT is `bytes` or a word shown
# after the number
check_amount() {
    if is_number "$required" && below "$1" "$required"; then
        check fail "$2" "$(show_amount "$required" "$3")"
    elif is_number "$recommended" && below "$1" "$recommended"; then
        check warn "$2" "$(show_amount "$recommended" "$3")"
    else
        check pass "$2" "$(show_amount "$required" "$3")"
    fi
}

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

# check_version FOUND: compare dotted numbers with the required and the recommended version
check_version() {
    if [ "$required" != - ] && ! at_least "$1" "$required"; then
        check fail "$1" "$required"
    elif [ "$recommended" != - ] && ! at_least "$1" "$recommended"; then
        check warn "$1" "$recommended"
    else
        check pass "$1" "$required"
    fi
}

# show_time SECONDS: in UTC; date of BSD and very old versions differ in syntax from coreutils and busybox
show_time() { date -u -d "@$1" '+%Y-%m-%d %H:%M' 2>/dev/null || printf '%s' "$1"; }

count_results() { awk -F "$TAB" -v result="$1" "$AWK_FINDING"'$FINDING["result"] == result { n++ } END { print n + 0 }' "$SCRATCH/checks"; }

# result_of_all: the worst result
result_of_all() {
    local each
    for each in fail warn; do
        [ "$(count_results "$each")" -eq 0 ] || {
            printf '%s' "$each"
            return
        }
    done
    printf pass
}

# ---- preflight/report: one HTML file without external links, which can be taken off the site

write_report() {
    local folder draft
    case $REPORT in
        */*) folder=${REPORT%/*} ;;
        *) folder=. ;;
    esac
    draft=${folder:-/}/.bundle-report.$$
    [ ! -d "$REPORT" ] || fail $EXIT_USAGE preflight.no_report "$REPORT"
    # a private temporary name, created anew: an existing file or link at that path is not followed
    (umask 077 && set -C && : >"$draft") 2>/dev/null || fail $EXIT_USAGE preflight.no_report "$REPORT"
    LITTER=$draft
    { print_report >"$draft" && mv -f "$draft" "$REPORT"; } || fail $EXIT_FAILED preflight.no_report "$REPORT"
    LITTER=''
    say preflight.report "$REPORT"
}

# print_report: what must be fixed, then warnings, then the rest, folded by group; at the end a text for a ticket
print_report() {
    local report_title overall shown_group
    report_title=$(format report.title "$TITLE" "$VERSION" "$PROFILE" | escape_html)
    overall=$(result_of_all)
    print_head
    cat <<EOT
<h1>$report_title</h1>
<p class="$overall">$(format "report.$overall" "$(count_results fail)" "$(count_results warn)" "$(count_results accepted)" | escape_html)</p>
<p>$(describe_server | escape_html)</p>
EOT
    print_section fail ''
    print_section warn ''
    for shown_group in hardware system storage engine network site; do print_section others "$shown_group"; done
    printf '<h2>%s</h2>\n<pre>' "$(format report.ticket | escape_html)"
    print_ticket | escape_html
    printf '</pre>\n</html>\n'
}

print_head() {
    cat <<EOT
<!doctype html>
<html lang="$LANGUAGE">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$report_title</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%;table-layout:fixed}td{overflow-wrap:anywhere}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd}
th:nth-child(1){width:10%}th:nth-child(2){width:22%}th:nth-child(3){width:20%}th:nth-child(4){width:16%}th:nth-child(5){width:32%}
h2,summary{font-size:1.1rem;font-weight:bold;margin:1.6rem 0 .3rem}summary{cursor:pointer}code{color:#666}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.6rem;border:1px solid #ddd}
.pass{color:#176b2c}.warn,.accepted{color:#8a5a00}.fail{color:#b00020;font-weight:bold}.remedy{color:#444}
@page{size:A4;margin:15mm}
@media print{body{font-size:9pt;margin:0;padding:0;max-width:none}tr{break-inside:avoid}h2,summary{break-after:avoid}}
</style>
EOT
}

describe_server() {
    format report.where "$(probe hostname 2>/dev/null)" "$ROOT" "$(date -u '+%Y-%m-%d %H:%M:%S')" "$(probe uname -srm)"
}

# print_section fail|warn|others GROUP: a table of these findings, if there are any. The rest of a group is folded
print_section() {
    local section_title column id='' result='' measured='' needed='' remedy='' level=''
    awk -F "$TAB" -v which="$1" -v group="$2" "$AWK_FINDING"'
        { result = $FINDING["result"]; others = result != "fail" && result != "warn" }
        which == "others" ? others && $FINDING["group"] == group : result == which' "$SCRATCH/checks" >"$SCRATCH/section" || lose_scratch
    [ -s "$SCRATCH/section" ] || return 0
    if [ "$1" = others ]; then
        section_title=$(format "group.$2" | escape_html)
        printf '<details>\n<summary>%s (%s)</summary>\n' "$section_title" "$(awk 'END { print NR }' "$SCRATCH/section")"
    else
        printf '<h2>%s</h2>\n' "$(format "report.section_$1" | escape_html)"
    fi
    printf '<table>\n<tr>'
    for column in result check measured needed remedy; do printf '<th>%s</th>' "$(format "report.$column" | escape_html)"; done
    printf '</tr>\n'
    while read_finding id result measured needed remedy level; do
        case $level:$needed in recommended:[!-]*) needed=$(format report.recommended "$needed") ;; esac
        # shellcheck disable=SC2016 # the backquotes are literal text
        printf '<tr><td class="%s">%s</td><td>%s<br><code>%s</code></td>' "$result" "$(format "report.result_$result" | escape_html)" \
            "$(format "check.$id" | escape_html)" "$id"
        printf '<td>%s</td><td>%s</td><td class="remedy">%s</td></tr>\n' "$(printf '%s' "$measured" | escape_html)" \
            "$(printf '%s' "$needed" | escape_html)" "$(printf '%s' "$remedy" | sed 's/^-$//' | escape_html)"
    done <"$SCRATCH/section"
    printf '</table>\n'
    [ "$1" != others ] || printf '</details>\n'
}

# print_ticket: the same in short as plain text: the server, and a line for each check that did not pass
print_ticket() {
    local id='' result='' measured='' needed='' remedy='' level=''
    print_line report.title "$TITLE" "$VERSION" "$PROFILE"
    printf '%s\n' "$(describe_server)"
    print_line "report.$overall" "$(count_results fail)" "$(count_results warn)" "$(count_results accepted)"
    while read_finding id result measured needed remedy level; do
        [ "$result" != pass ] || continue
        printf -- '- %s %s: %s\n' "$(format "report.result_$result")" "$id" "$(describe_check)"
        case $result in fail | warn) printf '  %s\n' "$remedy" ;; esac
    done <"$SCRATCH/checks"
}

escape_html() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' -e "s/'/\\&#39;/g"; }

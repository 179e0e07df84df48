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

print_report() {
    local report_title overall shown_group column id='' result='' measured='' needed='' remedy='' level=''
    report_title=$(format report.title "$TITLE" "$VERSION" "$PROFILE" | escape_html)
    overall=$(result_of_all)
    cat <<EOT
<!doctype html>
<html lang="$LANGUAGE">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$report_title</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd}
h2{font-size:1.1rem;margin:1.6rem 0 .3rem}td:first-child{white-space:nowrap}code{color:#666}
.pass{color:#176b2c}.warn,.accepted{color:#8a5a00}.fail{color:#b00020;font-weight:bold}.remedy{color:#444}
</style>
<h1>$report_title</h1>
<p class="$overall">$(format "report.$overall" "$(count_results fail)" "$(count_results warn)" "$(count_results accepted)" | escape_html)</p>
<p>$(format report.where "$(probe hostname 2>/dev/null)" "$ROOT" "$(date -u '+%Y-%m-%d %H:%M:%S')" "$(probe uname -srm)" | escape_html)</p>
EOT
    for shown_group in hardware system storage engine network site; do
        awk -F "$TAB" -v group="$shown_group" "$AWK_FINDING"'$FINDING["group"] == group' "$SCRATCH/checks" >"$SCRATCH/group-checks"
        [ -s "$SCRATCH/group-checks" ] || continue
        printf '<h2>%s</h2>\n<table>\n<tr>' "$(format "group.$shown_group" | escape_html)"
        for column in result check measured needed remedy; do printf '<th>%s</th>' "$(format "report.$column" | escape_html)"; done
        printf '</tr>\n'
        while read_finding id result measured needed remedy level; do
            case $level:$needed in recommended:[!-]*) needed=$(format report.recommended "$needed") ;; esac
            # shellcheck disable=SC2016 # the backquotes are literal text
            printf '<tr><td class="%s">%s</td><td>%s<br><code>%s</code></td>' "$result" "$(format "report.result_$result" | escape_html)" \
                "$(format "check.$id" | escape_html)" "$id"
            printf '<td>%s</td><td>%s</td><td class="remedy">%s</td></tr>\n' "$(printf '%s' "$measured" | escape_html)" \
                "$(printf '%s' "$needed" | escape_html)" "$(printf '%s' "$remedy" | sed 's/^-$//' | escape_html)"
        done <"$SCRATCH/group-checks"
        printf '</table>\n'
    done
    printf '</html>\n'
}

escape_html() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' -e "s/'/\\&#39;/g"; }

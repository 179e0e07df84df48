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
    local report_title report_verdict report_server shown_group overall said_result said_check said_measured said_needed said_remedy
    report_title=$(format report.title "$TITLE" "$VERSION" "$PROFILE")
    overall=$(result_of_all)
    report_verdict=$(format "report.$overall" "$(count_results fail)" "$(count_results warn)" "$(count_results accepted)")
    report_server=$(describe_server)
    name_columns
    print_head
    printf '<h1>%s</h1>\n<p class="%s">%s</p>\n<p>%s</p>\n' "$(print_html "$report_title")" "$overall" "$(print_html "$report_verdict")" \
        "$(print_html "$report_server")"
    print_section fail ''
    print_section warn ''
    for shown_group in hardware system storage engine network site; do print_section others "$shown_group"; done
    printf '<h2>%s</h2>\n<pre>' "$(format report.ticket | escape_html)"
    print_ticket | escape_html
    printf '</pre>\n</main>\n</body>\n</html>\n'
}

# name_columns: sets `said_result`, `said_check`, `said_measured`, `said_needed` and `said_remedy`
name_columns() {
    said_result=$(format report.result | escape_html)
    said_check=$(format report.check | escape_html)
    said_measured=$(format report.measured | escape_html)
    said_needed=$(format report.needed | escape_html)
    said_remedy=$(format report.remedy | escape_html)
}

# print_head: in the dark and on paper, colours are others; on a phone, each row of a table is a card
print_head() {
    cat <<EOT
<!doctype html>
<html lang="$LANGUAGE">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$(print_html "$report_title")</title>
<style>
:root{color-scheme:light dark;--t:#222;--p:#fff;--l:#ccc;--f:#555;--good:#176b2c;--warn:#7a4f00;--bad:#b00020}
@media screen and (prefers-color-scheme:dark){:root{--t:#e6e6e6;--p:#121212;--l:#444;--f:#aaa;--good:#6bd58a;--warn:#f0b849;--bad:#ff8a80}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem;color:var(--t);background:var(--p)}
h1{font-size:1.6rem;line-height:1.25}h1,p,h2,summary{overflow-wrap:anywhere}
h2,summary{font-size:1.1rem;font-weight:bold;margin:1.6rem 0 .3rem}summary{cursor:pointer;padding:.25rem 0}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--l);overflow-wrap:anywhere}
tbody th{font-weight:normal}code{color:var(--f)}
.c1{width:10%}.c2{width:22%}.c3{width:20%}.c4{width:16%}.c5{width:32%}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.6rem;border:1px solid var(--l)}
.pass{color:var(--good)}.warn,.accepted{color:var(--warn)}.fail{color:var(--bad);font-weight:bold}
@media screen and (max-width:40rem){
table,tbody,tr,th,td{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.5rem 0;border-bottom:1px solid var(--l)}tbody th,td{padding:.05rem 0;border:0}
tbody th{font-weight:bold}tbody th br{display:none}td[data-n]::before{content:attr(data-n) ": ";color:var(--f)}td:empty{display:none}}
@page{size:A4;margin:15mm}
@media print{body{font-size:9pt;padding:0;max-width:none}tr{break-inside:avoid}h2,summary{break-after:avoid}
tbody th br{display:none}summary{list-style:none}details::details-content{content-visibility:visible}}
</style>
</head>
<body>
<main>
EOT
}

describe_server() {
    format report.where "$(probe hostname 2>/dev/null)" "$ROOT" "$(date -u '+%Y-%m-%d %H:%M:%S')" "$(probe uname -srm)"
}

# print_section fail|warn|others GROUP: a table of these findings, if there are any. The rest of a group is folded
print_section() {
    local section_title id='' result='' measured='' needed='' remedy='' level=''
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
    printf '<table>\n<thead><tr><th scope="col" class="c1">%s</th><th scope="col" class="c2">%s</th><th scope="col" class="c3">%s</th>' \
        "$said_result" "$said_check" "$said_measured"
    printf '<th scope="col" class="c4">%s</th><th scope="col" class="c5">%s</th></tr></thead>\n<tbody>\n' "$said_needed" "$said_remedy"
    while read_finding id result measured needed remedy level; do print_finding; done <"$SCRATCH/section"
    printf '</tbody>\n</table>\n'
    [ "$1" != others ] || printf '</details>\n'
}

# print_finding: a row of the table; what does not apply is said in words
print_finding() {
    local found asked advice
    found=$measured asked=$needed advice=$remedy
    case $level:$needed in
        *:-) asked='' ;;
        recommended:*) asked=$(format report.recommended "$needed") ;;
    esac
    [ "$measured" != - ] || found=$(format report.moot)
    [ "$remedy" != - ] || advice=''
    printf '<tr><td class="%s">%s</td><th scope="row">%s<br> <code>%s</code></th>' "$result" "$(format "report.result_$result" | escape_html)" \
        "$(format "check.$id" | escape_html)" "$id"
    printf '<td data-n="%s">%s</td><td data-n="%s">%s</td><td data-n="%s">%s</td></tr>\n' "$said_measured" "$(print_html "$found")" \
        "$said_needed" "$(print_html "$asked")" "$said_remedy" "$(print_html "$advice")"
}

# print_ticket: the same in short as plain text: the server, and a line for each check that did not pass, failures first
print_ticket() {
    local wanted id='' result='' measured='' needed='' remedy='' level=''
    printf '%s\n%s\n%s\n' "$report_title" "$report_server" "$report_verdict"
    for wanted in fail warn accepted; do
        while read_finding id result measured needed remedy level; do
            [ "$result" = "$wanted" ] || continue
            printf -- '- %s %s: %s\n' "$(format "report.result_$result")" "$id" "$(describe_check)"
            [ "$result" = accepted ] || printf '  %s\n' "$remedy"
        done <"$SCRATCH/checks"
    done
}

print_html() { printf '%s\n' "$1" | escape_html; }

escape_html() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' -e "s/'/\\&#39;/g"; }

# ---- change/summary: what a first installation will do, the command that does the same without questions, and one question

# show_summary: print it on the terminal
show_summary() {
    measure_summary
    print_summary >"$SCRATCH/page-text" || lose_scratch
    show_file "$SCRATCH/page-text" >&2
}

# agree_to_summary: the operator says yes, or nothing is changed
agree_to_summary() {
    local given='' kind=''
    while :; do
        read_given "$(format summary.ask) " || fail $EXIT_FAILED variables.no_terminal
        case $given in
            y | Y | yes | YES | Yes | 是) return 0 ;;
            n | N | no | NO | No | 否) fail $EXIT_FAILED summary.no ;;
            *) object "$(format summary.yes_or_no)" ;;
        esac
    done
}

# measure_summary: what is loaded, as `plan` measures it for a server without a release
measure_summary() {
    local part=''
    BASE='' ANSWERING=''
    if target_answers; then ANSWERING=yes; fi
    copy_config
    compare_images
    measure_plan
}

print_summary() {
    local width=''
    find_width
    printf '\n%s\n' "$(format summary.title)"
    list_summary | print_columns "$width"
    format summary.untouched | print_columns "$width"
    printf '\n%s\n' "$(format summary.command)"
    print_repeat "$width"
    printf '\n'
}

# list_summary: its lines: a title and what stands under it
list_summary() {
    local made
    summary_line application "$TITLE $VERSION ($PROFILE)"
    summary_line folder "$ROOT"
    [ -z "$ENGINE_PLAN" ] || summary_line engine "$(format "summary.engine_$ENGINE_PLAN" "$(engine_version)")"
    summary_line services "$(list_column services.tsv service | join_words)"
    summary_line ports "$(list_ports | join_words)"
    list_answers
    made=$(list_generated | join_words)
    [ "$made" = - ] || summary_line generated "$made"
    summary_line images "$(format summary.images_amount "$(rows images.tsv | grep -c .)" "$(grep -c . "$SCRATCH/absent")")"
    summary_line disk "$(format summary.disk_amount "$(human "$LOAD_BYTES")" "$(human "$UNPACK_BYTES")" "$(human "$RELEASE_BYTES")")"
}

# summary_line WHAT TEXT
summary_line() { printf '%s\t%s\n' "$(format page.title_of "$(format "summary.$1")")" "$(print_plain "$2")"; }

# join_words: the lines of standard input on one line, or - if there are none
join_words() { awk '{ printf "%s%s", (NR > 1 ? ", " : ""), $0 } END { if (NR == 0) printf "-" }'; }

# list_ports: `8080/tcp (web)`, with the address if it is published at one
list_ports() {
    local number at service='' address='' port='' protocol=''
    keep "$SCRATCH/page-ports" rows ports.tsv
    while read_port service address port protocol; do
        number=$(expand_port "$port")
        [ -n "$number" ] || continue
        at=$(expand_address "$address" "$port")
        case $at in - | '') at='' ;; *) at=$at: ;; esac
        printf '%s%s/%s (%s)\n' "$at" "$number" "$protocol" "$service"
    done <"$SCRATCH/page-ports"
}

# list_answers: lines of the answers that are no defaults
list_answers() {
    local what='' name='' shown='' kind='' required='' generator='' choices='' prompt='' default_is='' ask=''
    local host='' certificate='' key='' self_signed='' certificate_path='' key_path=''
    while read_page_item what name <&5; do
        shown=''
        case $what in
            certificate)
                find_certificate
                find_shown_certificate
                name=$(format page.certificate "$(value "$host" || full_name)")
                ;;
            variable)
                if is_default "$name"; then continue; fi
                find_variable
                if [ -f "$VALUES/$name" ] || [ "$generator" = fqdn ]; then find_shown; fi
                ;;
        esac
        [ -z "$shown" ] || printf '%s\t%s\n' "$(format page.title_of "$name")" "$shown"
    done 5<"$SCRATCH/page"
}

# list_generated: names of values that are made here
list_generated() {
    local name='' generator=''
    while read_variable name generator; do
        if [ "$generator" = - ] || [ "$generator" = fqdn ] || [ -f "$VALUES/$name" ]; then continue; fi
        printf '%s\n' "$name"
    done <"$SCRATCH/page-variables"
}

# print_repeat WIDTH: the command that installs the same without questions, on one line, so that it can be copied, and what
# must be done first for secrets and a key that are not in it
print_repeat() {
    local withheld file
    withheld=$(list_withheld | join_words) file=$ANSWERS
    if [ -z "$file" ] && [ "$withheld" != - ]; then file=secrets.env; fi
    {
        printf 'sh %s install --yes --lang %s --root %s' "$(quote_word "$0")" "$LANGUAGE" "$(quote_word "$ROOT")"
        print_trust
        [ -z "$file" ] || printf ' --answers %s' "$(quote_word "$file")"
        print_sets
        print_flags
        printf '\n'
    } | show_whole
    if is_key_asked; then format summary.key bundle.pub | print_columns "$1"; fi
    if [ "$withheld" != - ]; then format summary.secrets "$(print_plain "$file")" "$withheld" | print_columns "$1"; fi
}

# show_whole: like show_plain, without a limit of its length
show_whole() { LC_ALL=C tr '\000-\011\013-\037\177' '?'; }

# is_key_asked: whether the operator compared the fingerprint of the carried key in this run
is_key_asked() { [ -z "$KEY" ] && [ -f "$TRUST/counted" ] && grep -q '^asked ' "$TRUST/counted"; }

# print_trust: options about signatures
print_trust() {
    if is_key_asked; then printf ' --key bundle.pub'; fi
    print_each --key "$KEY"
    print_each --rotation "$ROTATIONS"
    [ -z "$REQUIRE" ] || printf ' --require %s' "$REQUIRE"
    [ -z "$UNSIGNED" ] || printf ' --allow-unsigned'
}

# print_each OPTION LINES
print_each() {
    local each
    [ -n "$2" ] || return 0
    printf '%s\n' "$2" | while IFS= read -r each; do printf ' %s %s' "$1" "$(quote_word "$each")"; done
}

# print_flags: the options of this run that change what it does
print_flags() {
    local each
    for each in $ACCEPTED; do printf ' --accept %s' "$(quote_word "$each")"; done
    [ -z "$STRICT" ] || printf ' --strict'
    [ -z "$PROBE" ] || printf ' --probe'
    [ -z "$REPORT" ] || printf ' --report %s' "$(quote_word "$REPORT")"
    [ -z "$INSTALL_ENGINE" ] || printf ' --install-engine'
    [ -z "$TIMEOUT" ] || printf ' --timeout %s' "$TIMEOUT"
    [ -z "$NO_BLOBS" ] || printf ' --no-keep-blobs'
}

# print_sets: --set for each answer of the page and of --set that the command can show
print_sets() {
    local name='' kind=''
    while read_variable name kind; do
        if is_told "$name" && can_be_shown; then printf ' --set %s' "$(quote_word "$name=$(value "$name")")"; fi
    done <"$SCRATCH/page-variables"
}

# list_withheld: names of answers of the page and of --set that the command cannot show: secrets, and control characters
list_withheld() {
    local name='' kind=''
    while read_variable name kind; do
        if is_told "$name" && ! can_be_shown; then printf '%s\n' "$name"; fi
    done <"$SCRATCH/page-variables"
}

# is_told NAME: whether its value is an answer of the page, or of --set
is_told() { [ -f "$SCRATCH/typed/$1" ] || { [ -f "$VALUES/$1" ] && grep -q "^$1=" "$SCRATCH/set"; }; }

# can_be_shown: whether the value of the line that was read is no secret, and of characters that a terminal shows as they are
can_be_shown() { [ "$kind" != secret ] && [ "$(print_plain "$(value "$name")")" = "$(value "$name")" ]; }

# ---- change/questions: a first installation asks on a terminal for what has no answer; the rest is changed by its number

# wants_page: whether this is a first installation with somebody to ask, and options or an earlier run left something open or
# said nothing at all
wants_page() {
    target_has page || return 1
    if [ -z "$TERMINAL" ] || [ -n "$YES$PREVIOUS$JSON" ] || [ -d "$CURRENT/config" ] || is_mistaken; then return 1; fi
    list_items
    if [ ! -s "$SCRATCH/set" ] && [ -z "$ANSWERS" ] && [ ! -f "$ROOT/site.env" ]; then return 0; fi
    has_open
}

# ask_page: print the page, ask for what is open, and take changes until the operator goes on
ask_page() {
    PAGED=yes
    end_at_mistakes # none is left; from here on each is reported at once
    print_page
    while :; do
        answer_open
        change_answers
        if has_open; then continue; fi
        if (check_templates); then return 0; fi
    done
}

# has_open: whether a line of the page still needs an answer
has_open() {
    local what='' name=''
    while read_page_item what name <&5; do
        if is_open; then return 0; fi
    done 5<"$SCRATCH/page"
    return 1
}

# is_open: whether the line that was read needs an answer, or is asked for in any case and was not yet
is_open() {
    local objection='' kind='' required='' generator='' choices='' prompt='' default_is='' ask=''
    case $what in
        variable)
            find_variable
            judge_port "$name" "$(value "$name")"
            if [ -n "$objection" ]; then return 0; fi
            [ ! -f "$SCRATCH/kept/$name" ] && may_ask
            ;;
        certificate) ! has_certificate ;;
        *) return 1 ;;
    esac
}

# answer_open: ask for what is open, in the order of the page
answer_open() {
    local number what='' name=''
    number=0
    while read_page_item what name <&5; do
        number=$((number + 1))
        if is_open; then ask_item; fi
    done 5<"$SCRATCH/page"
}

# change_answers: take numbers of lines, and ask for each, until a line is empty
change_answers() {
    local number given='' kind='' what='' name=''
    while :; do
        read_given "$(format page.change) " || fail $EXIT_FAILED variables.no_terminal
        case $given in '') return 0 ;; esac
        number=${given%.} what=''
        case $number in
            0* | *[!0-9]* | ????*) ;;
            *)
                read_page_item what name <<EOT
$(sed -n "${number}p" "$SCRATCH/page")
EOT
                ;;
        esac
        if [ -z "$what" ]; then
            object "$(format page.no_number "$(print_plain "$given")" "$(grep -c . "$SCRATCH/page")")"
            continue
        fi
        ask_item
        if [ "$what" = language ]; then print_page; else show_item; fi
    done
}

# ask_item: ask for the line that was read until its answer is valid
ask_item() {
    case $what in
        language) ask_language ;;
        folder) ask_folder ;;
        variable) ask_variable ;;
        certificate) ask_certificate ;;
    esac
}

# read_answer QUESTION ANSWER: a line of the terminal; the answer in brackets applies if it is empty. Sets `given`
read_answer() { read_given "$BOLD$number. $1${2:+ [$2]}$PLAIN: " || fail $EXIT_FAILED variables.no_terminal; }

# object TEXT: say why an answer is not taken
object() { (end_with $EXIT_USAGE "$1") || :; }

ask_language() {
    local given='' kind=''
    while :; do
        read_answer "$(format page.language) (en, zh)" "$LANGUAGE"
        case $given in
            '') return 0 ;;
            zh | en | zh.UTF-8)
                take_language "$given"
                explain_language
                return 0
                ;;
            *) object "$(format options.language "$(print_plain "$given")")" ;;
        esac
    done
}

# ask_folder: another folder must be one without an installation: keys and answers of this run were read in the first
ask_folder() {
    local given='' kind=''
    if is_begun "$ROOT"; then
        object "$(format page.begun "$ROOT")"
        return 0
    fi
    while :; do
        read_answer "$(format page.folder)" "$ROOT"
        [ -n "$given" ] || return 0
        if (take_folder "$given"); then break; fi
    done
    take_folder "$given"
    say install.start "$TITLE" "$VERSION" "$PROFILE" "$ROOT"
}

# take_folder FOLDER: make it the root, or end the run with the reason why it cannot be
take_folder() {
    ROOT=$1
    case $(find_bad_byte "$1") in ?*) fail $EXIT_USAGE variables.bad_byte --root "$(find_bad_byte "$1")" ;; esac
    name_root
    RELEASE_DIR=$ROOT/releases/$RELEASE
    if is_begun "$ROOT"; then fail $EXIT_USAGE page.begun "$ROOT"; fi
    check_writable
}

# is_begun FOLDER: whether it has an installation, or parts of one
is_begun() {
    local each
    for each in state current releases site.env secrets.env; do
        if [ -e "$1/$each" ] || [ -L "$1/$each" ]; then return 0; fi
    done
    return 1
}

ask_variable() {
    local question shown='' given='' objection='' kind='' required='' generator='' choices='' prompt='' default_is='' ask=''
    find_variable
    question=$prompt
    [ "$choices" = - ] || question="$prompt ($choices)"
    while :; do
        find_shown
        judge_port "$name" "$(value "$name")"
        if [ -n "$objection" ]; then
            object "$objection"
            shown='' required=yes
        fi
        read_answer "$question" "$shown"
        if [ -z "$given" ]; then
            if [ -z "$shown" ] && [ "$required" = yes ]; then continue; fi
            { mkdir -p "$SCRATCH/kept" && empty_file "$SCRATCH/kept/$name"; } || lose_scratch
            return 0
        fi
        judge_value "$name" "$given"
        [ -n "$objection" ] || judge_port "$name" "$given"
        [ -n "$objection" ] || break
        object "$objection"
    done
    keep_typed "$name" "$given"
}

# keep_typed NAME VALUE: an answer of the operator
keep_typed() {
    { printf '%s' "$2" >"$VALUES/$1" && rm -f "$SCRATCH/defaulted/$1" && mkdir -p "$SCRATCH/typed" && empty_file "$SCRATCH/typed/$1"; } ||
        lose_scratch
}

# try_value NAME VALUE: copy all values to $SCRATCH/tried, with that one
try_value() {
    { rm -rf "$SCRATCH/tried" && cp -R "$VALUES" "$SCRATCH/tried" && printf '%s' "$2" >"$SCRATCH/tried/$1"; } || lose_scratch
}

# judge_port NAME VALUE: whether the ports that the variable decides are free, and no other port of the application is the same;
# sets `objection`. Those of an installation that was begun may be its own: the preflight knows
judge_port() {
    local number inode twin service='' address='' port='' protocol=''
    objection=''
    if [ -z "$2" ] || [ -d "$ROOT/state" ]; then return 0; fi
    keep "$SCRATCH/page-ports" rows ports.tsv
    while read_port service address port protocol; do
        case $port in *"\${$1}"* | *"\${$1"[!A-Za-z0-9_]*) ;; *) continue ;; esac
        try_value "$1" "$2"
        number=$(VALUES=$SCRATCH/tried && expand_port "$port")
        is_number "$number" || continue
        inode=$(find_listener "$number" "$protocol" "$(VALUES=$SCRATCH/tried && expand_address "$address" "$port")")
        if [ -n "$inode" ]; then
            objection=$(format page.taken "$number/$protocol ($service)" "$(name_holder "$inode" "$number")")
            return 0
        fi
        keep "$SCRATCH/page-twin" name_twin "$service" "$address" "$port" "$protocol" "$number"
        twin=$(cat "$SCRATCH/page-twin")
        if [ -n "$twin" ]; then
            objection=$(format page.twin "$number/$protocol ($service)" "$twin")
            return 0
        fi
    done <"$SCRATCH/page-ports"
}

# name_twin SERVICE ADDRESS PORT PROTOCOL NUMBER: print the first other port of the application that would be this number at this
# address, with the values in $SCRATCH/tried; nothing if there is none
name_twin() {
    local here there service='' address='' port='' protocol=''
    here=$(VALUES=$SCRATCH/tried && expand_address "$2" "$3")
    while read_port service address port protocol <&7; do
        if [ "$port" = "$3" ] || [ "$protocol" != "$4" ]; then continue; fi
        [ "$(VALUES=$SCRATCH/tried && expand_port "$port")" = "$5" ] || continue
        there=$(VALUES=$SCRATCH/tried && expand_address "$address" "$port")
        case $here:$there in
            "$here:$here" | -:* | *:- | 0.0.0.0:* | *:0.0.0.0 | :::* | *:::)
                printf '%s (%s)\n' "$service" "$port"
                return 0
                ;;
        esac
    done 7<"$SCRATCH/page-ports"
}

# has_certificate: whether the certificate of the line that was read is given and fits, made here, or there already
has_certificate() {
    local host='' certificate='' key='' self_signed='' certificate_path='' key_path=''
    find_certificate
    if [ -f "$ROOT/data/$certificate_path" ] && [ -f "$ROOT/data/$key_path" ]; then return 0; fi
    if [ -z "$(value "$certificate")$(value "$key")" ]; then
        [ "$(value "$self_signed")" = true ]
        return
    fi
    try_value "$certificate" "$(value "$certificate")"
    (LOG=/dev/null && try_certificate) >/dev/null 2>&1
}

# try_certificate: end the run with the reason if the files in $SCRATCH/tried are no certificate and key for this host
try_certificate() {
    local slot host_name='' chosen='' chosen_key='' shown_certificate='' shown_key='' ends=''
    VALUES=$SCRATCH/tried slot=page
    mkdir -p "$SCRATCH/certificates" && chmod 700 "$SCRATCH/certificates"
    [ -n "$(value "$host")" ] || full_name >"$VALUES/$host"
    choose_certificate
    check_certificate
}

ask_certificate() {
    local given='' file='' kind='' shown='' host='' certificate='' key='' self_signed='' certificate_path='' key_path=''
    find_certificate
    while :; do
        find_shown_certificate
        if ! has_certificate; then shown=''; fi
        read_answer "$(format page.ask_certificate)" "$shown"
        case $given in
            '')
                [ -z "$shown" ] || return 0
                continue
                ;;
            self-signed | 自签名)
                keep_typed "$self_signed" true
                [ -z "$(value "$certificate")" ] || keep_typed "$certificate" ''
                [ -z "$(value "$key")" ] || keep_typed "$key" ''
                return 0
                ;;
        esac
        file=$given
        read_answer "$(format page.ask_key)" ''
        try_value "$certificate" "$file"
        printf '%s' "$given" >"$SCRATCH/tried/$key" || lose_scratch
        if (check_value "$certificate" "$file" && check_value "$key" "$given" && try_certificate); then break; fi
    done
    keep_typed "$certificate" "$file"
    keep_typed "$key" "$given"
    [ "$(value "$self_signed")" != true ] || keep_typed "$self_signed" false
}

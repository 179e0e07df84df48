# ---- site/variables: values that only the site knows. Each value is a file in a private folder: none is ever an argument

# collect_variables: values from --set, --answers and the site's earlier answers; nothing is asked for or generated. All
# mistakes in them are gathered, and the caller ends the run with them
collect_variables() {
    gather_mistakes
    VALUES=$SCRATCH/values
    mkdir -p "$VALUES"
    drop_defaults
    load_values "$ROOT/site.env"
    load_values "$ROOT/secrets.env"
    if [ -n "$RESTORED" ]; then
        load_values "$RESTORED/site.env"
        load_values "$RESTORED/secrets.env"
    fi
    if [ -n "$ANSWERS" ]; then
        if [ -f "$ANSWERS" ] && [ -r "$ANSWERS" ]; then
            take_answers "$ANSWERS" "$ANSWERS"
        else
            mistake variables.no_answers "$ANSWERS"
        fi
    fi
    take_answers "$SCRATCH/set" --set
    drop_answers
    take_defaults
    check_values
}

# drop_answers: answers that --unset takes back, so that the default applies again
drop_answers() {
    local name kind
    while IFS= read -r name; do
        kind=$(look_up variables.tsv name "$name" kind)
        if [ -z "$kind" ]; then
            mistake variables.unknown --unset "$name" "$(list_column variables.tsv name | tr '\n' ' ')"
            continue
        fi
        if [ "$kind" = secret ] && [ -f "$VALUES/$name" ] && [ "$(look_up variables.tsv name "$name" generator)" != - ]; then
            mistake variables.secret_kept "$name" "$ROOT/secrets.env"
            continue
        fi
        rm -f "$VALUES/$name" || lose_scratch
    done <"$SCRATCH/unset"
}

# take_defaults: values of the bundle for variables without an answer. They are not written to site.env, so that a newer
# bundle can have others
take_defaults() {
    local name='' kind='' default='' lacking=''
    while read_variable name kind default lacking; do
        if [ -z "$name" ] || [ "$kind" = secret ] || [ -f "$VALUES/$name" ]; then continue; fi
        if [ "$lacking" = default ]; then take_default "$name" "$default"; fi
    done <<EOT
$(rows variables.tsv)
EOT
}

# take_default NAME VALUE: a value that is no answer
take_default() {
    { mkdir -p "$SCRATCH/defaulted" && printf '%s' "$2" >"$VALUES/$1" && empty_file "$SCRATCH/defaulted/$1"; } || lose_scratch
}

# is_default NAME: whether the value is no answer
is_default() { [ -f "$SCRATCH/defaulted/$1" ]; }

# drop_defaults: forget the values that are no answers
drop_defaults() {
    local file
    for file in "$SCRATCH/defaulted"/*; do
        [ ! -f "$file" ] || rm -f "$VALUES/${file##*/}" "$file" || lose_scratch
    done
}

# take_answers FILE WHERE: NAME=VALUE lines given by the operator
take_answers() {
    local number line name value kind ending decoded=''
    [ -f "$1" ] || return 0
    decode_text "$1" || { mistake variables.not_text "$2"; return 0; }
    number=0 ending=$(printf '\r')
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=${line%"$ending"}
        case $line in
            '' | '#'*) continue ;;
            [A-Za-z_]*=*) ;;
            *) mistake variables.bad_line "$2" "$number"; continue ;;
        esac
        name=${line%%=*} value=${line#*=}
        kind=$(look_up variables.tsv name "$name" kind)
        if [ -z "$kind" ]; then
            ! take_setting "$name" "$value" "$2" || continue
            mistake variables.unknown "$2" "$name" "$(list_column variables.tsv name | tr '\n' ' ')"
            continue
        fi
        case $value in # people often put one pair of quotes around the whole value
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        # data are locked with a secret that was generated here; a secret that another server dictates may change
        if [ "$kind" = secret ] && [ -f "$VALUES/$name" ] && [ "$(look_up variables.tsv name "$name" generator)" != - ]; then
            [ "$value" = "$(cat "$VALUES/$name")" ] || mistake variables.secret_kept "$name" "$ROOT/secrets.env"
            continue
        fi
        if [ -n "$value" ] || [ "$(look_up variables.tsv name "$name" required)" = yes ]; then
            accept_value "$name" "$value" || continue
        fi
        printf '%s' "$value" >"$VALUES/$name" || lose_scratch
    done <"$decoded"
}

# complete_variables: ask on a terminal, unless a page did, or else generate, or else report all that are missing. What the
# operator need not answer is asked for only if the bundle says so
complete_variables() {
    local prompt='' name='' kind='' required='' generator='' choices='' prompt_en='' prompt_zh='' ask=''
    empty_file "$SCRATCH/lacking"
    while read_variable name kind required generator choices prompt_en prompt_zh ask <&3; do
        [ -n "$name" ] || continue
        choose_prompt
        if [ "$kind" = secret ] && [ "$generator" != - ]; then
            :
        elif [ -n "$TERMINAL" ] && [ -z "$YES$PAGED" ] && may_ask; then
            ask_value
        fi
        if [ ! -f "$VALUES/$name" ]; then
            if [ "$generator" != - ]; then
                generate "$generator" >"$VALUES/$name" || fail $EXIT_FAILED variables.generator "$name" "$generator"
            elif [ "$required" = yes ]; then
                printf '  %s  %s\n' "$name" "$prompt" >>"$SCRATCH/lacking"
            fi
        fi
    done 3<<EOT
$(rows variables.tsv)
EOT
    if [ -s "$SCRATCH/lacking" ]; then
        fail $EXIT_USAGE variables.lacking "$(cat "$SCRATCH/lacking")"
    fi
}

# list_lacking: without an operator to ask, each answer that is required and lacks is a mistake
list_lacking() {
    local prompt='' name='' kind='' required='' generator='' choices='' prompt_en='' prompt_zh=''
    if [ -n "$TERMINAL" ] && [ -z "$YES" ]; then return 0; fi
    keep "$SCRATCH/variable-rows" rows variables.tsv
    while read_variable name kind required generator choices prompt_en prompt_zh; do
        if [ "$required" != yes ] || [ "$generator" != - ] || [ -f "$VALUES/$name" ] || is_mistaken "$name"; then continue; fi
        choose_prompt
        case $kind in
            secret) mistake variables.lacking_secret "$name" "$prompt" "$name" ;;
            choice) mistake variables.lacking_one "$name" "$prompt" "$name" "${choices%%,*}" ;;
            *) mistake variables.lacking_one "$name" "$prompt" "$name" "$(show_example)" ;;
        esac
    done <"$SCRATCH/variable-rows"
}

# show_example: a value that the variable of the line that was read could have
show_example() {
    case $kind in
        port) printf 8443 ;;
        integer) printf 10 ;;
        boolean) printf true ;;
        host) printf app.example.com ;;
        path) printf /path/to/file ;;
        *) format variables.example ;;
    esac
}

# choose_prompt: sets `prompt` for the variable of the line that was read
choose_prompt() {
    prompt=$prompt_en
    [ "$LANGUAGE" != zh ] || [ "$prompt_zh" = - ] || prompt=$prompt_zh
    [ "$prompt" != - ] || prompt=$name
}

# may_ask: whether the variable of the line that was read has no answer and needs one, or is asked for in any case
may_ask() {
    if [ -f "$VALUES/$name" ] && ! is_default "$name"; then return 1; fi
    [ "$ask" = yes ] || { [ "$required" = yes ] && [ "$generator" = - ] && [ ! -f "$VALUES/$name" ]; }
}

# ask_value: ask for the variable of the line that was read until its value is valid
ask_value() {
    local shown question given=''
    shown='' question=$prompt
    if [ -f "$VALUES/$name" ]; then shown=$(cat "$VALUES/$name"); elif [ "$generator" != - ]; then shown=$(format variables.generated); fi
    [ "$choices" = - ] || question="$question ($choices)"
    while :; do
        read_given "$BOLD$question${shown:+ [$shown]}$PLAIN: " || fail $EXIT_FAILED variables.no_terminal
        if [ -z "$given" ]; then
            if [ -n "$shown" ] || [ "$required" != yes ]; then return; fi
            continue
        fi
        if (check_value "$name" "$given"); then break; fi
    done
    printf '%s' "$given" >"$VALUES/$name"
    rm -f "$SCRATCH/defaulted/$name"
}

# read_given PROMPT: a line of the terminal, without echo for a secret; sets `given`
read_given() {
    local readable=''
    if [ "$kind" = secret ]; then
        read_silently "$1"
    else
        convert_text "$1"
        printf '%s' "$readable" >&2
        IFS= read -r given </dev/tty || return 1
        [ -z "$CONVERTER" ] || given=$(typed_text "$given")
    fi
}

# check_values: values from all sources follow the same rules
check_values() {
    local unwritable name=''
    unwritable=$(find_bad_byte "$ROOT") || lose_scratch
    [ -z "$unwritable" ] || mistake variables.bad_byte --root "$unwritable"
    rows variables.tsv | while read_variable name; do
        if [ -n "$(value "$name")" ] && ! cmp -s "$VALUES/$name" "$SCRATCH/checked/$name"; then
            accept_value "$name" "$(value "$name")" || : # the mistake is noted
        fi
    done || leave $?
}

# check_collected: check all values, including generated ones and answers, and the templates that use them
check_collected() {
    check_values
    check_templates
}

# check_value NAME VALUE: end the run if the variable cannot have that value
check_value() {
    local objection=''
    judge_value "$1" "$2"
    [ -z "$objection" ] || end_with $EXIT_USAGE "$objection"
}

# accept_value NAME VALUE: the same, as a mistake
accept_value() {
    local objection=''
    judge_value "$1" "$2"
    [ -n "$objection" ] || return 0
    is_mistaken "$1" || note_mistake "$objection" "$1"
    return 1
}

# judge_value NAME VALUE: by its kind and its pattern; a value that no file can contain is refused for every kind. Sets
# `objection`: why the variable cannot have it
judge_value() {
    local unwritable pattern good shown_value kind='' choices=''
    objection=''
    unwritable=$(find_bad_byte "$2") || lose_scratch
    if [ -n "$unwritable" ]; then
        objection=$(format variables.bad_byte "$1" "$unwritable")
        return 0
    fi
    read_variable kind pattern choices <<EOT
$(awk -F "$TAB" -v name="$1" "$AWK_VARIABLE"'$VARIABLE["name"] == name { print; exit }' "$FACTS/variables.tsv")
EOT
    good=yes
    case $kind in
        port) { is_number "$2" && [ "${#2}" -le 5 ] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ]; } || good='' ;;
        integer) is_number "${2#-}" || good='' ;;
        boolean) case $2 in true | false) ;; *) good='' ;; esac ;;
        host)
            matches "$2" '[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+' || good=''
            # names of containers and of Windows have underscores; an application that takes them says so by its pattern
            case $pattern in *_*) ! matches "$2" '[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?' || good=yes ;; esac
            ;;
        path) case $2 in /*) ;; *) good='' ;; esac ;;
        choice)
            case ",$choices," in *",$2,"*) ;; *) good='' ;; esac
            case $2 in *,*) good='' ;; esac
            ;;
        secret) case $2 in *\'* | *\\* | *"$TAB"*) good='' ;; esac ;;
    esac
    case $2 in *"$NEWLINE"*) good='' ;; esac
    [ "$pattern" = - ] || [ -z "$good" ] || matches "$2" "$pattern" || good=''
    if [ -z "$good" ]; then
        shown_value=$2
        [ "$kind" != secret ] || shown_value='***'
        [ "$choices" = - ] || pattern=$choices
        if [ "$pattern" = - ]; then
            objection=$(format variables.bad_kind "$1" "$shown_value" "$(format "kind.$kind")")
        else
            objection=$(format variables.bad_value "$1" "$shown_value" "$(format "kind.$kind")" "$pattern")
        fi
        return 0
    fi
    { mkdir -p "$SCRATCH/checked" && printf '%s' "$2" >"$SCRATCH/checked/$1"; } || lose_scratch
}

# find_bad_byte TEXT: its first byte that is not UTF-8 (RFC 3629, section 4), as 0xFF; nothing if all are valid. The engine
# reads the environment of a container as JSON, which allows only UTF-8
find_bad_byte() {
    printf '%s\n' "$1" >"$SCRATCH/bytes" && od -An -v -tu1 "$SCRATCH/bytes" >"$SCRATCH/bytes.od" && awk "$PROGRAM_SITE_UTF8" "$SCRATCH/bytes.od"
}

# full_name: this server's name, with its domain if it knows one
full_name() { probe hostname -f 2>/dev/null || probe hostname; }

# generate GENERATOR: print a new value
generate() {
    local amount
    amount=${1#*:}
    case $1 in
        random:*) is_number "$amount" && LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom 2>/dev/null | dd bs=1 count="$amount" 2>/dev/null ;;
        hex:*) is_number "$amount" && openssl rand -hex "$amount" | tr -d '\n' ;;
        base64url:*) is_number "$amount" && openssl rand -base64 "$amount" | tr '+/' '-_' | tr -d '=\n' ;;
        uuid) tr -d '\n' </proc/sys/kernel/random/uuid ;;
        fqdn) full_name | tr -d '\n' ;;
        *) return 1 ;;
    esac
}

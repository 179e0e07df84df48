# ---- variables: what only the site knows. Each value is a file in a private folder: none is ever an argument

# collect_variables: from --set, --answers and what the site has; not asked for, not generated
collect_variables() {
    values=$SCRATCH/values
    mkdir -p "$values"
    load_values "$ROOT/site.env"
    load_values "$ROOT/secrets.env"
    if [ -n "$RESTORED" ]; then
        load_values "$RESTORED/site.env"
        load_values "$RESTORED/secrets.env"
    fi
    if [ -n "$ANSWERS" ]; then
        [ -f "$ANSWERS" ] || fail $EXIT_USAGE variables.no_answers "$ANSWERS"
        take_answers "$ANSWERS" "$ANSWERS"
    fi
    take_answers "$SCRATCH/set" --set
    while IFS="$TAB" read -r name kind _ default _; do
        [ -n "$name" ] || continue
        if [ ! -f "$values/$name" ] && [ "$default" != - ] && [ "$kind" != secret ]; then
            printf '%s' "$default" >"$values/$name"
            printf '%s\n' "$name" >>"$SCRATCH/defaulted"
        fi
    done <<EOT
$(rows variables.tsv)
EOT
    check_values
}

# load_values FILE: NAME=VALUE lines that an earlier run wrote
load_values() {
    [ -f "$1" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*}
        case $name in '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac # a name is a file's name here
        case $line in
            *=*) printf '%s' "${line#*=}" >"$values/$name" || lose_scratch ;;
        esac
    done <"$1"
}

# take_answers FILE WHERE: NAME=VALUE lines that the operator gave
take_answers() {
    [ -f "$1" ] || return 0
    is_text "$1" || fail $EXIT_USAGE variables.not_text "$2"
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=${line%"$(printf '\r')"}
        case $line in
            '' | '#'*) continue ;;
            [A-Za-z_]*=*) ;;
            *) fail $EXIT_USAGE variables.bad_line "$2" "$number" ;;
        esac
        name=${line%%=*} value=${line#*=}
        kind=$(variable_field "$name" 2)
        [ -n "$kind" ] || fail $EXIT_USAGE variables.unknown "$2" "$name" "$(rows variables.tsv | cut -f 1 | tr '\n' ' ')"
        case $value in # one pair of quotes around the whole is what people write
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        # one that was made here is what data are locked with; one that another server dictates may change there
        if [ "$kind" = secret ] && [ -f "$values/$name" ] && [ "$(variable_field "$name" 5)" != - ]; then
            [ "$value" = "$(cat "$values/$name")" ] || fail $EXIT_USAGE variables.secret_kept "$name" "$ROOT/secrets.env"
            continue
        fi
        if [ -n "$value" ] || [ "$(variable_field "$name" 3)" = yes ]; then check_value "$name" "$value"; fi
        printf '%s' "$value" >"$values/$name"
    done <"$1"
}

# variable_field NAME FIELD: of variables.tsv
variable_field() { awk -F "$TAB" -v name="$1" -v field="$2" '$1 == name { print $field; exit }' "$FACTS/variables.tsv"; }

# complete_variables: ask on a terminal, else generate, else say all that is missing. Secrets that can be made are not asked for
complete_variables() {
    : >"$SCRATCH/lacking"
    while IFS="$TAB" read -r name kind required default generator _ choices english chinese <&3; do
        [ -n "$name" ] || continue
        prompt=$english
        [ "$LANGUAGE" != zh ] || [ "$chinese" = - ] || prompt=$chinese
        [ "$prompt" != - ] || prompt=$name
        if [ "$kind" = secret ] && [ "$generator" != - ]; then
            :
        elif [ -n "$TERMINAL" ] && [ -z "$YES" ] && may_ask "$name"; then
            ask_value
        fi
        if [ ! -f "$values/$name" ]; then
            if [ "$generator" != - ]; then
                generate "$generator" >"$values/$name" || fail $EXIT_FAILED variables.generator "$name" "$generator"
            elif [ "$required" = yes ]; then
                printf '  %s  %s\n' "$name" "$prompt" >>"$SCRATCH/lacking"
            else
                printf '' >"$values/$name"
            fi
        fi
    done 3<<EOT
$(rows variables.tsv)
EOT
    if [ -s "$SCRATCH/lacking" ]; then
        fail $EXIT_USAGE variables.lacking "$(cat "$SCRATCH/lacking")"
    fi
}

# may_ask NAME: it was not given, by the operator or an earlier run
may_ask() { [ ! -f "$values/$1" ] || grep -qx -- "$1" "$SCRATCH/defaulted" 2>/dev/null; }

ask_value() {
    shown=''
    if [ -f "$values/$name" ]; then shown=$(cat "$values/$name"); elif [ "$generator" != - ]; then shown=$(format variables.generated); fi
    [ "$choices" = - ] || prompt="$prompt ($choices)"
    while :; do
        read_given "$BOLD$prompt${shown:+ [$shown]}$PLAIN: " || fail $EXIT_FAILED variables.no_terminal
        if [ -z "$given" ]; then
            if [ -n "$shown" ] || [ "$required" != yes ]; then return; fi
            continue
        fi
        if (check_value "$name" "$given"); then break; fi
    done
    printf '%s' "$given" >"$values/$name"
}

# read_given PROMPT: a line of the terminal; a secret is not shown
read_given() {
    if [ "$kind" = secret ]; then
        read_silently "$1"
    else
        printf '%s' "$1" >&2
        IFS= read -r given </dev/tty
    fi
}

# check_values: those that are there now, of whichever source, obey the same rules
check_values() {
    unwritable=$(find_bad_byte "$ROOT") || lose_scratch
    [ -z "$unwritable" ] || fail $EXIT_USAGE variables.bad_byte --root "$unwritable"
    rows variables.tsv | while IFS="$TAB" read -r name _; do
        if [ -n "$(value "$name")" ] && ! cmp -s "$values/$name" "$SCRATCH/checked/$name"; then
            check_value "$name" "$(value "$name")"
        fi
    done || leave $?
}

# check_collected: all values, those that were made or asked for too, and the templates that they go into
check_collected() {
    check_values
    check_templates
}

# check_value NAME VALUE: by its kind and its pattern; what no file can hold is refused whatever the kind
check_value() {
    unwritable=$(find_bad_byte "$2") || lose_scratch
    [ -z "$unwritable" ] || fail $EXIT_USAGE variables.bad_byte "$1" "$unwritable"
    IFS="$TAB" read -r _ checked_kind _ _ _ pattern allowed _ <<EOT
$(awk -F "$TAB" -v name="$1" '$1 == name { print; exit }' "$FACTS/variables.tsv")
EOT
    good=yes
    case $checked_kind in
        port) { is_number "$2" && [ "${#2}" -le 5 ] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ]; } || good='' ;;
        integer) is_number "${2#-}" || good='' ;;
        boolean) case $2 in true | false) ;; *) good='' ;; esac ;;
        host) matches "$2" '[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+' || good='' ;;
        path) case $2 in /*) ;; *) good='' ;; esac ;;
        choice)
            case ",$allowed," in *",$2,"*) ;; *) good='' ;; esac
            case $2 in *,*) good='' ;; esac
            ;;
        secret) case $2 in *\'* | *\\* | *"$TAB"*) good='' ;; esac ;;
    esac
    case $2 in *"$NEWLINE"*) good='' ;; esac
    [ "$pattern" = - ] || [ -z "$good" ] || matches "$2" "$pattern" || good=''
    if [ -z "$good" ]; then
        shown_value=$2
        [ "$checked_kind" != secret ] || shown_value='***'
        [ "$allowed" = - ] || pattern=$allowed
        fail $EXIT_USAGE variables.bad_value "$1" "$shown_value" "$(format "kind.$checked_kind")" "$pattern"
    fi
    { mkdir -p "$SCRATCH/checked" && printf '%s' "$2" >"$SCRATCH/checked/$1"; } || lose_scratch
}

# find_bad_byte TEXT: its first byte that is not UTF-8 (RFC 3629, section 4), as 0xFF; nothing where all are. The engine takes
# the environment of a container as JSON, which has no other bytes
find_bad_byte() {
    printf '%s\n' "$1" >"$SCRATCH/bytes" && od -An -v -tu1 "$SCRATCH/bytes" >"$SCRATCH/bytes.od" && awk '
        {
            for (i = 1; i <= NF; i++) {
                byte = $i + 0
                if (more > 0) {
                    if (byte < low || byte > high) exit
                    more--; low = 128; high = 191
                } else {
                    first = byte; low = 128; high = 191
                    if (byte < 128) more = 0
                    else if (byte >= 194 && byte <= 223) more = 1
                    else if (byte >= 224 && byte <= 239) { more = 2; if (byte == 224) low = 160; if (byte == 237) high = 159 }
                    else if (byte >= 240 && byte <= 244) { more = 3; if (byte == 240) low = 144; if (byte == 244) high = 143 }
                    else exit
                }
                if (more == 0) first = ""
            }
        }
        END { if (first != "") printf "0x%02X\n", first }' "$SCRATCH/bytes.od"
}

# matches TEXT EXPRESSION: the whole text; an extended regular expression
matches() { printf '%s\n' "$1" | grep -Eqx -e "$2"; }

# generate GENERATOR: a new value on standard output
generate() {
    amount=${1#*:}
    case $1 in
        random:*) is_number "$amount" && LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom 2>/dev/null | dd bs=1 count="$amount" 2>/dev/null ;;
        hex:*) is_number "$amount" && openssl rand -hex "$amount" | tr -d '\n' ;;
        base64url:*) is_number "$amount" && openssl rand -base64 "$amount" | tr '+/' '-_' | tr -d '=\n' ;;
        uuid) tr -d '\n' </proc/sys/kernel/random/uuid ;;
        fqdn) { hostname -f 2>/dev/null || hostname; } | tr -d '\n' ;;
        *) return 1 ;;
    esac
}

# value NAME
value() {
    [ -f "$values/$1" ] || return 1
    IFS= read -r found_value <"$values/$1" # a line without its end: the status says nothing
    printf '%s' "$found_value"
}

# expand EXPRESSION: a number, ${NAME} or ${NAME:-default} of ports.tsv
expand() {
    case $1 in
        \$\{*\})
            inner=${1#??} inner=${inner%?}
            name=${inner%%[:-]*}
            found=$(value "$name")
            if [ -z "$found" ]; then
                case $inner in *-*) found=${inner#*-} ;; esac
            fi
            printf '%s\n' "$found"
            ;;
        *) printf '%s\n' "$1" ;;
    esac
}

# write_variables: site.env, secrets.env and what Compose reads, in their places
write_variables() {
    draft_variables
    place_answers "$RELEASE"
    keep_site_key
}

# draft_variables: the same in state/answers/<release>, where the release that runs does not read them yet
draft_variables() {
    draft=$ROOT/state/answers/.$RELEASE.part
    rm -rf "$draft"
    (umask 077 && mkdir -p "$draft") || fail $EXIT_FAILED release.disk "$ROOT"
    (umask 077 && write_draft) || exit $EXIT_FAILED
    put_answers "$RELEASE"
}

# write_draft: answers, secrets and what Compose reads into the folder `draft`, and the values for templates
write_draft() {
    { printf '' >"$draft/site.env" && printf '' >"$draft/secrets.env" && begin_pairs; } || fail $EXIT_FAILED release.disk "$draft"
    rows variables.tsv | while IFS="$TAB" read -r name kind _; do
        file=site
        [ "$kind" != secret ] || file=secrets
        printf '%s=%s\n' "$name" "$(value "$name")" >>"$draft/$file.env" && write_pair "$name" "$(value "$name")" || exit 1
    done || fail $EXIT_FAILED release.disk "$draft"
    { write_pair BUNDLE_ROOT "$ROOT" &&
        write_pair BUNDLE_DATA "$ROOT/data" &&
        write_pair BUNDLE_CONFIG "$ROOT/releases/$RELEASE/config" &&
        write_pair BUNDLE_RELEASE "$RELEASE" &&
        write_pair BUNDLE_CERTIFICATES "${CERTIFICATES:-}"; } || fail $EXIT_FAILED release.disk "$draft"
}

# save_answers RELEASE: as they are in their places, before those of another release take them
save_answers() {
    draft=$ROOT/state/answers/.$1.part
    rm -rf "$draft"
    (umask 077 && mkdir -p "$draft") || fail $EXIT_FAILED release.disk "$ROOT"
    for each in site.env secrets.env state/compose.env state/trusted.pub; do
        [ ! -f "$ROOT/$each" ] || cp -p "$ROOT/$each" "$draft/" || fail $EXIT_FAILED release.disk "$ROOT"
    done
    put_answers "$1"
}

# put_answers RELEASE: the draft takes the place of an older one, whole
put_answers() {
    { flush "$draft"/* && rm -rf "$ROOT/state/answers/$1" && mv "$draft" "$ROOT/state/answers/$1"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
}

# place_answers RELEASE: its answers and secrets become those that are read. A secret that it does not know stays: data
# may need it when the release that does know it comes back
place_answers() {
    for each in site.env secrets.env state/compose.env state/trusted.pub; do
        placed=$ROOT/state/answers/$1/${each##*/}
        [ -f "$placed" ] || continue
        other=$placed
        if [ "$each" = secrets.env ] && [ -f "$ROOT/$each" ]; then other=$ROOT/$each; fi
        { (umask 077 && join_answers "$placed" "$other" >"$ROOT/$each.new") && flush "$ROOT/$each.new" &&
            mv -f "$ROOT/$each.new" "$ROOT/$each"; } || fail $EXIT_FAILED release.disk "$ROOT"
    done
}

# join_answers FILE OTHER: the lines of FILE, then those of OTHER whose names FILE does not have
join_answers() {
    awk -v own="$1" '
        BEGIN { while ((getline line < own) > 0) { known[substr(line, 1, index(line, "="))]; print line } }
        !(substr($0, 1, index($0, "=")) in known)' "$2"
}

# begin_pairs: what write_pair needs at the head of its file
begin_pairs() {
    printf '%s\n' "BUNDLE_DOLLAR='\$'" "BUNDLE_QUOTE='\"'" "BUNDLE_BACKSLASH=\\" >"$draft/compose.env" &&
        printf '' >"$SCRATCH/template-values"
}

# write_pair NAME VALUE: for Compose, and for templates. Releases of Compose differ in how they read escapes; all of them read
# alike a text in single quotes that holds none and does not end in a backslash, and ${NAME} of an earlier line in a text in
# double quotes. So whatever the first form cannot hold takes the second
write_pair() {
    case $2 in
        *\'* | *\\)
            # shellcheck disable=SC2016 # Compose expands them, not this shell
            quoted=$(printf '%s\n' "$2" | sed 's/[$]/${BUNDLE_DOLLAR}/g; s/"/${BUNDLE_QUOTE}/g; s/\\/${BUNDLE_BACKSLASH}/g') || return 1
            quoted="\"$quoted\""
            ;;
        *) quoted="'$2'" ;;
    esac
    printf '%s=%s\n' "$1" "$quoted" >>"$draft/compose.env" &&
        printf '%s=%s\n' "$1" "$2" >>"$SCRATCH/template-values"
}

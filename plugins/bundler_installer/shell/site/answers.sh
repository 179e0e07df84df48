# ---- site/answers: values of variables below the root, for each release, for Compose and for templates

# load_values FILE [FOLDER]: load NAME=VALUE lines that an earlier run wrote, or an operator, into `values` or that folder
load_values() {
    local line name ending decoded=''
    [ -f "$1" ] || return 0
    set -- "$1" "${2:-$VALUES}"
    decode_text "$1" || { mistake variables.not_text "$1"; return 0; }
    ending=''
    if is_of_windows "$decoded"; then ending=$(printf '\r'); fi
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%"$ending"} name=${line%%=*}
        case $name in '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac # a name is a file's name here
        case $line in
            *=*) printf '%s' "${line#*=}" >"$2/$name" || lose_scratch ;;
        esac
    done <"$decoded"
}

# value NAME [FOLDER]
value() {
    local found_value
    set -- "$1" "${2:-$VALUES}"
    [ -f "$2/$1" ] || return 1
    IFS= read -r found_value <"$2/$1" # the value may lack a line break, so the status means nothing
    printf '%s' "$found_value"
}

# expand EXPRESSION: a text of ports.tsv or networks.tsv with its variables replaced, as Compose does
expand() {
    local rest inner=''
    rest=$1
    while :; do
        # shellcheck disable=SC2016 # literal text
        case $rest in
            *\$\{*\}*)
                printf '%s' "${rest%%\$\{*}"
                rest=${rest#*\$\{}
                split_use
                expand_use
                ;;
            *) break ;;
        esac
    done
    printf '%s\n' "$rest"
}

# split_use: take the text up to the brace that closes the use from `rest`; sets `inner` and `rest`
split_use() {
    local depth part
    depth=1 inner=''
    while [ "$depth" -gt 0 ]; do
        part=${rest%%[\{\}]*}
        [ "$part" != "$rest" ] || break
        rest=${rest#"$part"}
        case $rest in
            \}*) depth=$((depth - 1)) ;;
            *) depth=$((depth + 1)) ;;
        esac
        inner=$inner$part
        [ "$depth" = 0 ] || inner=$inner${rest%"${rest#?}"}
        rest=${rest#?}
    done
}

# expand_use: print the value of NAME, or of NAME, an operator and a word
expand_use() {
    local name operator found lacking
    name=${inner%%[!A-Za-z0-9_]*} lacking=''
    operator=${inner#"$name"}
    found=$(value "$name") || lacking=yes
    case $operator in :*) operator=${operator#:}; [ -n "$found" ] || lacking=yes ;; esac
    case $operator$lacking in
        -*yes | +*) ;;
        *) printf '%s' "$found"; return ;;
    esac
    case $operator in +*) [ -z "$lacking" ] || return 0 ;; esac
    printf '%s' "$(expand "${operator#?}")"
}

# expand_port PORT: its number; a variable can hold ADDRESS:PORT
expand_port() {
    local found
    found=$(expand "$1")
    printf '%s\n' "${found##*:}"
}

# expand_address ADDRESS PORT: the address of a port, which can stand in the port's variable
expand_address() {
    local found
    found=$(expand "$2")
    case $found in
        *:*) found=${found%:*} found=${found#"["} && printf '%s\n' "${found%"]"}" ;;
        *) expand "$1" ;;
    esac
}

# write_variables: write site.env, secrets.env and the file for Compose to their places
write_variables() {
    draft_variables
    place_answers "$RELEASE"
    keep_site_key
}

# draft_variables: write the same to state/answers/<release>, which the running release does not read yet
draft_variables() {
    local draft
    draft=$ROOT/state/answers/.$RELEASE.part
    rm -rf "$draft"
    (umask 077 && mkdir -p "$draft") || fail $EXIT_FAILED release.disk "$ROOT"
    (umask 077 && write_draft) || exit $EXIT_FAILED
    put_answers "$RELEASE"
}

# write_draft: write answers, secrets and the file for Compose into the folder `draft`, and the values for templates. Values
# that are no answers are only for Compose and templates; what is unset is empty in templates
write_draft() {
    local file name='' kind='' lacking='' default_is=''
    { printf '' >"$draft/site.env" && printf '' >"$draft/secrets.env" && begin_pairs; } || fail $EXIT_FAILED release.disk "$draft"
    rows variables.tsv | while read_variable name kind lacking default_is; do
        file=site
        [ "$kind" != secret ] || file=secrets
        if [ -f "$VALUES/$name" ] && [ ! -f "$SCRATCH/defaulted/$name" ]; then
            printf '%s=%s\n' "$name" "$(value "$name")" >>"$draft/$file.env" || exit 1
        elif [ "$kind" != secret ]; then
            note_lacking "$(value "$name")" || exit 1
        fi
        if [ -f "$VALUES/$name" ] || [ "$lacking" != unset ]; then
            write_pair "$name" "$(value "$name")" || exit 1
        else
            printf '%s=\n' "$name" >>"$SCRATCH/template-values" || exit 1
        fi
    done || fail $EXIT_FAILED release.disk "$draft"
    if [ -s "$SCRATCH/unanswered-lines" ]; then
        { printf '# %s\n' "$(format variables.unanswered)" && cat "$SCRATCH/unanswered-lines"; } >>"$draft/site.env" ||
            fail $EXIT_FAILED release.disk "$draft"
    fi
    { write_pair BUNDLE_ROOT "$ROOT" &&
        write_pair BUNDLE_DATA "$ROOT/data" &&
        write_pair BUNDLE_CONFIG "$ROOT/releases/$RELEASE/config" &&
        write_pair BUNDLE_RELEASE "$RELEASE" &&
        write_pair BUNDLE_CERTIFICATES "${CERTIFICATES:-}"; } || fail $EXIT_FAILED release.disk "$draft"
}

# note_lacking VALUE: the variable of the line that was read has no answer; site.env shows what applies, as a comment
note_lacking() {
    local shown_default
    shown_default=$1
    [ -n "$1" ] || [ "$default_is" = - ] || shown_default=$default_is
    printf '# %s=%s\n' "$name" "$shown_default" >>"$SCRATCH/unanswered-lines"
}

# save_answers RELEASE: keep a copy of the answers in use, before those of another release replace them
save_answers() {
    local draft each
    draft=$ROOT/state/answers/.$1.part
    rm -rf "$draft"
    (umask 077 && mkdir -p "$draft") || fail $EXIT_FAILED release.disk "$ROOT"
    for each in site.env secrets.env state/compose.env state/trusted.pub; do
        [ ! -f "$ROOT/$each" ] || cp -p "$ROOT/$each" "$draft/" || fail $EXIT_FAILED release.disk "$ROOT"
    done
    put_answers "$1"
}

# put_answers RELEASE: replace older answers by the draft, all at once
put_answers() {
    { flush "$draft"/* && rm -rf "$ROOT/state/answers/$1" && mv "$draft" "$ROOT/state/answers/$1"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
}

# place_answers RELEASE: make its answers and secrets those in use. Secrets that it does not know are kept: data may need
# them when a release that knows them is installed again
place_answers() {
    local each placed other
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

# begin_pairs: write the definitions that write_pair needs at the start of the file
begin_pairs() {
    printf '%s\n' "BUNDLE_DOLLAR='\$'" "BUNDLE_QUOTE='\"'" "BUNDLE_BACKSLASH=\\" >"$draft/compose.env" &&
        printf '' >"$SCRATCH/template-values" && printf '' >"$SCRATCH/unanswered-lines"
}

# write_pair NAME VALUE: for Compose, and for templates. Versions of Compose differ in how they read escapes; all of them
# agree on a text in single quotes that contains none and does not end in a backslash, and on ${NAME} of an earlier line in a
# text in double quotes. So a value that the first form cannot represent is written in the second
write_pair() {
    local quoted
    case $2 in
        *\'* | *\\)
            # shellcheck disable=SC2016 # expanded by Compose, not by this shell
            quoted=$(printf '%s\n' "$2" | sed 's/[$]/${BUNDLE_DOLLAR}/g; s/"/${BUNDLE_QUOTE}/g; s/\\/${BUNDLE_BACKSLASH}/g') || return 1
            quoted="\"$quoted\""
            ;;
        *) quoted="'$2'" ;;
    esac
    printf '%s=%s\n' "$1" "$quoted" >>"$draft/compose.env" &&
        printf '%s=%s\n' "$1" "$2" >>"$SCRATCH/template-values"
}

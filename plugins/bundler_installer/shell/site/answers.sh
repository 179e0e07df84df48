# ---- site/answers: values of variables below the root, for each release, for Compose and for templates

# load_values FILE [FOLDER]: load NAME=VALUE lines that an earlier run wrote into `values` or that folder
load_values() {
    local line name
    [ -f "$1" ] || return 0
    set -- "$1" "${2:-$VALUES}"
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*}
        case $name in '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac # a name is a file's name here
        case $line in
            *=*) printf '%s' "${line#*=}" >"$2/$name" || lose_scratch ;;
        esac
    done <"$1"
}

# value NAME [FOLDER]
value() {
    local found_value
    set -- "$1" "${2:-$VALUES}"
    [ -f "$2/$1" ] || return 1
    IFS= read -r found_value <"$2/$1" # the value may lack a line break, so the status means nothing
    printf '%s' "$found_value"
}

# expand EXPRESSION: a number, ${NAME} or ${NAME:-default} of ports.tsv
expand() {
    local inner name found
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

# write_draft: write answers, secrets and the file for Compose into the folder `draft`, and the values for templates
write_draft() {
    local file name='' kind=''
    { printf '' >"$draft/site.env" && printf '' >"$draft/secrets.env" && begin_pairs; } || fail $EXIT_FAILED release.disk "$draft"
    rows variables.tsv | while read_variable name kind; do
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
        printf '' >"$SCRATCH/template-values"
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

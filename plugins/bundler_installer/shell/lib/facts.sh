# ---- lib/facts: bundle.env and the tables beside it, parsed, never executed

# fact KEY: a value of bundle.env
fact() { fact_of "$FACTS" "$1"; }

# fact_of RELEASE_DIR KEY: the same, of another release
fact_of() { value_in "$1/bundle.env" "$2"; }

# number_fact KEY: the same, 0 unless it is a whole number
number_fact() {
    number=$(fact "$1")
    is_number "$number" || number=0
    printf '%s\n' "$number"
}

# rows TABLE: its lines without the head
rows() { sed -e '/^#/d' "$FACTS/$1"; }

# names WHAT: of lifecycle.tsv, one a line
names() {
    [ -f "$FACTS/lifecycle.tsv" ] || return 0
    rows lifecycle.tsv >"$SCRATCH/lifecycle" && awk -F "$TAB" -v what="$1" '$1 == what { print $2 }' "$SCRATCH/lifecycle"
}

# settle_project: the name that Compose knows this site by: the bundle's, unless an installation that was adopted has that one
settle_project() {
    [ -f "$ROOT/state/project" ] || return 0
    PROJECT=$(sed -n 1p "$ROOT/state/project") || lose_scratch
}

# take_facts: sets NAME, VERSION, PROFILE and PROJECT
take_facts() {
    { NAME=$(fact name) && VERSION=$(fact version) && PROFILE=$(fact profile) && PROJECT=$(fact project); } || lose_scratch
    settle_project
}

# check_words WORD...: they become names of folders, files and projects
check_words() {
    for word in "$@"; do
        case $word in
            '' | [!a-z0-9]* | *[!a-z0-9._-]*) fail $EXIT_VERIFICATION facts.damaged "$(printf '%s' "$word" | show_plain)" ;;
        esac
    done
}

# read_facts: what the bundle or release says of itself
read_facts() {
    take_facts
    check_words "$NAME" "$VERSION" "$PROFILE" "$PROJECT"
    format=$(fact format) || lose_scratch
    [ "$format" = 1 ] || fail $EXIT_VERIFICATION facts.format "$(printf '%s' "$format" | show_plain)"
    TITLE=$(fact title | tr -d '\000-\037\177')
}

# use_current: let HERE be the release that runs at this root
use_current() {
    [ -d "$CURRENT/config" ] || fail $EXIT_FAILED facts.none "$ROOT"
    HERE=$(cd -- "$CURRENT" && pwd -P) || fail $EXIT_FAILED facts.none "$ROOT"
    FACTS=$HERE
    take_facts
}

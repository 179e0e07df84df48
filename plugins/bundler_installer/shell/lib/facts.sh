# ---- lib/facts: bundle.env and the tables beside it: parsed, never executed

# fact KEY: a value of bundle.env
fact() { fact_of "$FACTS" "$1"; }

# fact_of RELEASE_DIR KEY: a value of another release's bundle.env
fact_of() { value_in "$1/bundle.env" "$2"; }

# number_fact KEY: a value of bundle.env; 0 unless it is a whole number
number_fact() {
    local number
    number=$(fact "$1")
    is_number "$number" || number=0
    printf '%s\n' "$number"
}

# rows TABLE: its lines without the header
rows() { rows_of "$FACTS" "$1"; }

# rows_of RELEASE_DIR TABLE: the same for another release
rows_of() { sed -e '/^#/d' "$1/$2"; }

# cut_column TABLE COLUMN: of the table's lines on standard input
cut_column() {
    local column=''
    number_column "$1" "$2"
    cut -f "$column"
}

# list_column TABLE COLUMN: of a table of this release
list_column() { rows "$1" | cut_column "$1" "$2"; }

# look_up TABLE KEY VALUE COLUMN: the column of all lines whose KEY is VALUE
look_up() { look_up_in "$FACTS" "$@"; }

# look_up_in RELEASE_DIR TABLE KEY VALUE COLUMN: the same for another release
look_up_in() {
    local key_column column=''
    number_column "$2" "$3"
    key_column=$column
    number_column "$2" "$5"
    awk -F "$TAB" -v key="$key_column" -v value="$4" -v column="$column" '!/^#/ && $key "" == value { print $column }' "$1/$2"
}

# names WHAT: the names of that kind in lifecycle.tsv, one per line
names() {
    [ -f "$FACTS/lifecycle.tsv" ] || return 0
    look_up lifecycle.tsv what "$1" name
}

# settle_project: the Compose project name of this site: the bundle's, unless an adopted installation uses that name
settle_project() {
    [ -f "$ROOT/state/project" ] || return 0
    PROJECT=$(sed -n 1p "$ROOT/state/project") || lose_scratch
}

# take_facts: sets NAME, VERSION, PROFILE and PROJECT
take_facts() {
    { NAME=$(fact name) && VERSION=$(fact version) && PROFILE=$(fact profile) && PROJECT=$(fact project); } || lose_scratch
    settle_project
}

# check_words WORD...: they are used as names of folders, files and projects
check_words() {
    local word
    for word in "$@"; do
        case $word in
            '' | [!a-z0-9]* | *[!a-z0-9._-]*) fail $EXIT_VERIFICATION facts.damaged "$(printf '%s' "$word" | show_plain)" ;;
        esac
    done
}

# read_facts: what the bundle or release records about itself
read_facts() {
    local format
    take_facts
    check_words "$NAME" "$VERSION" "$PROFILE" "$PROJECT"
    format=$(fact format) || lose_scratch
    [ "$format" = 1 ] || fail $EXIT_VERIFICATION facts.format "$(printf '%s' "$format" | show_plain)"
    TITLE=$(fact title | tr -d '\000-\037\177')
}

# use_current: make HERE the release that runs at this root
use_current() {
    [ -d "$CURRENT/config" ] || fail $EXIT_FAILED facts.none "$ROOT"
    HERE=$(cd -- "$CURRENT" && pwd -P) || fail $EXIT_FAILED facts.none "$ROOT"
    FACTS=$HERE
    take_facts
}

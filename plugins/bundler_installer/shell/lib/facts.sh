# ---- facts: bundle.env and the tables beside it, parsed, never executed

# find_bundle: the folder that this file lies in, and whether it is a bundle or an installed release
find_bundle() {
    case $0 in
        */*) HERE=${0%/*} ;;
        *) HERE=. ;;
    esac
    HERE=$(cd -- "${HERE:-/}" && pwd -P) || fail $EXIT_FAILED facts.folder
    [ -f "$HERE/bundle.env" ] || fail $EXIT_FAILED facts.bundle "$HERE"
    INSTALLED=''
    find_installation
    if [ -n "$INSTALLED" ]; then
        FACTS=$HERE
        name_root
        walk_path "$HERE"
    else
        open_bundle
    fi
    read_facts
}

# find_installation: whether this is an installed release, which is not verified again. It is one only where who runs it
# named it so: as <root>/current/install, as <name>ctl does, or as <root>/releases/<id>/install. Where the folder lies says
# nothing: a bundle may come with such folders around it, and lead there by a link
find_installation() {
    case $HERE in */releases/*) ;; *) return 0 ;; esac
    own_root=${HERE%/*}
    case $own_root in */releases) own_root=${own_root%/releases} ;; *) return 0 ;; esac
    [ -d "$own_root/state" ] || return 0
    case $0 in
        */current/install) named_root=$(cd -P -- "${0%/current/install}/" 2>/dev/null && pwd -P) || return 0 ;;
        /*/releases/*/install)
            [ "${0%/install}" = "$HERE" ] || return 0
            named_root=$own_root
            ;;
        *) return 0 ;;
    esac
    [ "$named_root" = "$own_root" ] || return 0
    INSTALLED=yes
    if [ -z "$ROOT" ]; then
        ROOT=$own_root
    else
        named_root=$(cd -P -- "$ROOT" 2>/dev/null && pwd -P)
        [ "$named_root" = "$own_root" ] || fail $EXIT_USAGE facts.other_root "$own_root" "$ROOT"
    fi
}

# name_root: sets NAME, and ROOT where the operator did not. Read before the signature is checked: the root has the pinned key
name_root() {
    NAME=$(fact name) || lose_scratch
    check_words "$NAME"
    [ -n "$ROOT" ] || ROOT=/opt/$NAME
    case $ROOT in
        /*) ;;
        *) ROOT=$(pwd -P)/$ROOT ;;
    esac
    while [ "$ROOT" != / ] && [ "${ROOT%/}" != "$ROOT" ]; do ROOT=${ROOT%/}; done
    [ "$ROOT" != / ] || fail $EXIT_USAGE facts.root
    case $ROOT in *"$NEWLINE"* | *"'"* | *\\*) fail $EXIT_USAGE facts.root_name "$ROOT" ;; esac
    CURRENT=$ROOT/current
    check_root
}

# read_facts: what the bundle or release says of itself
read_facts() {
    take_facts
    check_words "$NAME" "$VERSION" "$PROFILE" "$PROJECT"
    format=$(fact format) || lose_scratch
    [ "$format" = 1 ] || fail $EXIT_VERIFICATION facts.format "$(printf '%s' "$format" | show_plain)"
    TITLE=$(fact title | tr -d '\000-\037\177')
}

# take_facts: sets NAME, VERSION, PROFILE and PROJECT
take_facts() {
    { NAME=$(fact name) && VERSION=$(fact version) && PROFILE=$(fact profile) && PROJECT=$(fact project); } || lose_scratch
    settle_project
}

# settle_project: the name that Compose knows this site by: the bundle's, unless an installation that was adopted has that one
settle_project() {
    [ -f "$ROOT/state/project" ] || return 0
    PROJECT=$(sed -n 1p "$ROOT/state/project") || lose_scratch
}

# check_words WORD...: they become names of folders, files and projects
check_words() {
    for word in "$@"; do
        case $word in
            '' | [!a-z0-9]* | *[!a-z0-9._-]*) fail $EXIT_VERIFICATION facts.damaged "$(printf '%s' "$word" | show_plain)" ;;
        esac
    done
}

# fact KEY: a value of bundle.env
fact() { fact_of "$FACTS" "$1"; }

# fact_of RELEASE_DIR KEY: the same, of another release
fact_of() { value_in "$1/bundle.env" "$2"; }

# value_in FILE KEY: of its first line KEY=VALUE
value_in() { sed -n "/^$2=/{s///p;q;}" "$1"; }

# number_fact KEY: the same, 0 unless it is a whole number
number_fact() {
    number=$(fact "$1")
    is_number "$number" || number=0
    printf '%s\n' "$number"
}

# rows TABLE: its lines without the head
rows() { sed -e '/^#/d' "$FACTS/$1"; }

# use_current: let HERE be the release that runs at this root
use_current() {
    [ -d "$CURRENT/config" ] || fail $EXIT_FAILED facts.none "$ROOT"
    HERE=$(cd -- "$CURRENT" && pwd -P) || fail $EXIT_FAILED facts.none "$ROOT"
    FACTS=$HERE
    take_facts
}

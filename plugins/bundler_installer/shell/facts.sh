# ---- facts: bundle.env and the tables beside it, parsed, never executed

# find_bundle: the folder that this file lies in, and whether it is a bundle or an installed release
find_bundle() {
    case $0 in
        */*) HERE=${0%/*} ;;
        *) HERE=. ;;
    esac
    HERE=$(cd -- "${HERE:-/}" && pwd -P) || fail $EXIT_FAILED facts.folder
    [ -f "$HERE/bundle.env" ] || fail $EXIT_FAILED facts.bundle "$HERE"
    read_facts
}

# read_facts: what the bundle in HERE says of itself, and where it is to be installed
read_facts() {
    NAME=$(fact name) VERSION=$(fact version) PROFILE=$(fact profile) PROJECT=$(fact project)
    for word in "$NAME" "$VERSION" "$PROFILE" "$PROJECT"; do
        case $word in
            '' | [!a-z0-9]* | *[!a-z0-9._-]*) fail $EXIT_VERIFICATION facts.damaged "$word" ;;
        esac
    done
    [ "$(fact format)" = 1 ] || fail $EXIT_VERIFICATION facts.format "$(fact format)"
    TITLE=$(fact title | tr -d '\000-\037')
    INSTALLED=''
    case ${HERE%/*} in
        */releases)
            if [ -d "$HERE/../../state" ]; then
                INSTALLED=yes
                [ -n "$ROOT" ] || ROOT=$(cd -- "$HERE/../.." && pwd -P)
            fi
            ;;
    esac
    [ -n "$ROOT" ] || ROOT=/opt/$NAME
    case $ROOT in
        /*) ;;
        *) ROOT=$(pwd -P)/$ROOT ;;
    esac
    while [ "$ROOT" != / ] && [ "${ROOT%/}" != "$ROOT" ]; do ROOT=${ROOT%/}; done
    [ "$ROOT" != / ] || fail $EXIT_USAGE facts.root
    case $ROOT in *"$NEWLINE"* | *"'"*) fail $EXIT_USAGE facts.root_name "$ROOT" ;; esac
    CURRENT=$ROOT/current
}

# fact KEY: a value of bundle.env
fact() { fact_of "$HERE" "$1"; }

# fact_of RELEASE_DIR KEY: the same, of another release
fact_of() { sed -n "/^$2=/{s///p;q;}" "$1/bundle.env"; }

# number_fact KEY: the same, 0 unless it is a whole number
number_fact() {
    number=$(fact "$1")
    is_number "$number" || number=0
    printf '%s\n' "$number"
}

# rows TABLE: its lines without the head
rows() { sed -e '/^#/d' "$HERE/$1"; }

# use_current: let HERE be the release that runs at this root
use_current() {
    [ -d "$CURRENT/config" ] || fail $EXIT_FAILED facts.none "$ROOT"
    HERE=$(cd -- "$CURRENT" && pwd -P)
    PROJECT=$(fact project) NAME=$(fact name) VERSION=$(fact version) PROFILE=$(fact profile)
}

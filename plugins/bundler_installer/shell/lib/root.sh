# ---- lib/root: the folder that holds everything. A user who can change it, or one of the folders above it, could replace
# keys, programs and answers; a user who plants a link below it decides where secrets are written

# check_root: runs before anything below the root is read or written
check_root() {
    local real_root each
    OWN_ID=$(id -u) OWN_GROUP=$(name_own_group)
    [ -n "$OWN_ID" ] || fail $EXIT_FAILED tools.missing id
    if [ -L "$ROOT" ]; then fail $EXIT_FAILED root.link "$ROOT" "$(readlink "$ROOT")"; fi
    walk_path "${ROOT%/*}"
    # the preflight reports a root that is a file, together with its other findings
    if [ ! -e "$ROOT" ] || { [ "$COMMAND" = preflight ] && [ ! -d "$ROOT" ]; }; then return 0; fi
    real_root=$(cd -P -- "$ROOT" 2>/dev/null && pwd -P) || fail $EXIT_FAILED root.no_folder "$ROOT"
    [ "$real_root" = "$ROOT" ] || walk_path "$real_root"
    judge_folder "$ROOT" closed
    check_current
    check_entries
    for each in data backups; do
        if [ -L "$ROOT/$each" ]; then check_target "$ROOT/$each"; fi
    done
}

# name_own_group: the number of the group that has the name of the current user and no other member; - if it has others. On
# systems where each user has such a group, folders writable by it are usual
name_own_group() {
    local own_name
    own_name=$(id -gn 2>/dev/null)
    if [ -n "$own_name" ] && [ "$own_name" = "$(id -un 2>/dev/null)" ] &&
        [ -z "$(sed -n "s/^$own_name:[^:]*:[^:]*://p" /etc/group 2>/dev/null)" ]; then
        id -g
    else
        echo -
    fi
}

# walk_path PATH: every part of it that exists
walk_path() {
    local walked path_rest entry_group='' entry_mode='' entry_owner=''
    walked='' path_rest=${1#/}
    judge_folder / ''
    while [ -n "$path_rest" ]; do
        walked=$walked/${path_rest%%/*}
        case $path_rest in */*) path_rest=${path_rest#*/} ;; *) path_rest='' ;; esac
        if [ -L "$walked" ]; then
            judge_owner "$walked"
        elif [ -e "$walked" ]; then
            judge_folder "$walked" ''
        else
            return 0
        fi
    done
}

# read_entry PATH: sets entry_mode, entry_owner and entry_group
read_entry() {
    # shellcheck disable=SC2046,SC2012 # word splitting is intended; only the first words of the one entry are used
    set -- "$1" $(LC_ALL=C ls -ldn -- "$1" 2>/dev/null | awk 'NR == 1 { print $1, $3, $4 }')
    [ $# -eq 4 ] || fail $EXIT_FAILED root.unreadable "$1"
    entry_mode=$2 entry_owner=$3 entry_group=$4
}

# judge_owner PATH: it belongs to root or to the current user; sets entry_mode, entry_owner and entry_group
judge_owner() {
    read_entry "$1"
    case $entry_owner in
        0 | "$OWN_ID") ;;
        *) fail $EXIT_FAILED root.owner "$1" "$entry_owner" "$OWN_ID" "$1" ;;
    esac
}

# judge_folder PATH [closed]: no other user can change its content. In a sticky folder users cannot remove entries of others;
# a folder that must be `closed` may not be one of these either
judge_folder() {
    local entry_group='' entry_mode='' entry_owner=''
    [ -d "$1" ] || fail $EXIT_FAILED root.no_folder "$1"
    judge_owner "$1"
    case $entry_mode in d????????[tT]*) [ -n "$2" ] || return 0 ;; esac
    case $entry_mode in ????????w*) fail $EXIT_FAILED root.writable "$1" "$entry_mode" ;; esac
    case $entry_mode in
        ?????w*) [ "$entry_group" = "$OWN_GROUP" ] || fail $EXIT_FAILED root.writable "$1" "$entry_mode" ;;
    esac
}

# check_current: the only link that the installer creates itself names a release
check_current() {
    local named entry_group='' entry_mode='' entry_owner=''
    if [ ! -L "$ROOT/current" ] && [ ! -e "$ROOT/current" ]; then return 0; fi
    named=$(readlink "$ROOT/current" 2>/dev/null)
    case $named in
        releases/. | releases/.. | releases/ | releases/*/* | releases/*"$NEWLINE"*) named='' ;;
        releases/*) judge_owner "$ROOT/current" ;;
        *) named='' ;;
    esac
    [ -n "$named" ] || fail $EXIT_FAILED root.current "$ROOT/current"
}

# check_entries: the paths that this program writes below the root are not links, and no other user can change them. A process
# that a killed run left may remove a file between its listing and its check, so a check that fails is repeated for two seconds
check_entries() {
    local foreign_entry tries entry_group='' entry_mode='' entry_owner=''
    have find || fail $EXIT_FAILED tools.missing find
    tries=10
    until foreign_entry=$(cd -P -- "$ROOT" && find_foreign 2>"$SCRATCH/find-errors"); do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            cat "$SCRATCH/find-errors" >&2
            fail $EXIT_FAILED root.unreadable "$ROOT"
        fi
        sleep 0.2 2>/dev/null || sleep 1
    done
    [ -n "$foreign_entry" ] || return 0
    foreign_entry=$ROOT/${foreign_entry#./}
    if [ -L "$foreign_entry" ]; then fail $EXIT_FAILED root.link "$foreign_entry" "$(readlink "$foreign_entry")"; fi
    judge_owner "$foreign_entry"
    fail $EXIT_FAILED root.writable "$foreign_entry" "$entry_mode"
}

# find_foreign: the first entry of the working directory that is a link or that other users can change. Folders closed to
# other users are checked in depth, of the rest only the top level: containers may write into mounted configuration
find_foreign() {
    local each
    set -- ! -user 0 ! -user "$OWN_ID" -o -perm -0002
    if [ "$OWN_GROUP" = - ]; then set -- "$@" -o -perm -0020; else set -- "$@" -o -perm -0020 ! -group "$OWN_GROUP"; fi
    for each in state log; do
        if [ -L "$each" ]; then printf '%s\n' "./$each" || exit 1; fi
        if [ ! -d "$each" ] || [ -L "$each" ]; then continue; fi
        # files of a backup that is being unpacked have the owners of another server
        find "./$each" -name 'unpacked.*' -prune -o ! -name lock ! -name 'lock.[0-9]*' \( -type l -o "$@" \) -print || exit 1
    done >"$SCRATCH/foreign-entries" || exit 1
    for each in releases releases/* releases/.[!.]* blobs blobs/* edits support backups \
        site.env secrets.env site.env.new secrets.env.new .ctl.new "${NAME}ctl"; do
        if [ "$each" = backups ] && [ -L "$each" ]; then continue; fi
        if [ ! -e "$each" ] && [ ! -L "$each" ]; then continue; fi
        find "./$each" -prune \( -type l -o "$@" \) || exit 1
    done >>"$SCRATCH/foreign-entries" || exit 1
    sed -n 1p "$SCRATCH/foreign-entries"
}

# check_target LINK: data and backups may be links to another disk: the link and the path to its target follow the same rule
check_target() {
    local real_target entry_group='' entry_mode='' entry_owner=''
    judge_owner "$1"
    real_target=$(cd -P -- "$1" 2>/dev/null && pwd -P) || fail $EXIT_FAILED root.link "$1" "$(readlink "$1")"
    if [ "${1##*/}" = data ]; then walk_path "${real_target%/*}"; else walk_path "$real_target"; fi
}

# name_root: sets NAME, and ROOT if the operator did not. Read before the signature is checked, because the root has the
# pinned key
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

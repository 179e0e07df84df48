# ---- lib/tar: folders as tar streams, with numeric owners, links and, if tar supports them, extended attributes

# choose_tar: TAR_KIND is `posix` (GNU tar: attributes too) or `plain`
choose_tar() {
    TAR_KIND=plain TAR_MAKE='' TAR_TAKE='' TAR_EXCLUDES=''
    mkdir -p "$SCRATCH/empty" || lose_scratch # tar complains about a folder that changes while it is read
    if tar_knows --exclude=./x; then TAR_EXCLUDES=yes; fi
    if tar_knows --numeric-owner; then TAR_MAKE=--numeric-owner; fi
    TAR_TAKE=$TAR_MAKE
    if ! tar_is_gnu; then return 0; fi
    if tar_knows --xattrs --xattrs-include='*'; then
        TAR_KIND=posix
        TAR_TAKE="--numeric-owner --xattrs --xattrs-include=*"
        TAR_MAKE="$TAR_TAKE --format=posix --pax-option=delete=atime,delete=ctime"
        if tar_knows --acls; then TAR_TAKE="$TAR_TAKE --acls" TAR_MAKE="$TAR_MAKE --acls"; fi
    fi
}

# tar_knows OPTION...: whether tar accepts it without a warning. Tried twice before the answer is no: a server may be short
# of memory for a moment, and a backup that lacks attributes would look complete
tar_knows() { twice try_tar "$@"; }

try_tar() {
    local tar_says
    tar_says=$(tar "$@" -cf /dev/null -C "$SCRATCH/empty" . 2>&1) && [ -z "$tar_says" ]
}

tar_is_gnu() { twice name_tar; }

name_tar() { case $(tar --version 2>/dev/null) in *'GNU tar'*) ;; *) return 1 ;; esac; }

# pack_folder FOLDER [EXCLUDED...]: to standard output; excluded paths are relative to the folder and contain no blanks
pack_folder() {
    local packed excludes each pack_code
    packed=$1
    shift
    if [ $# -gt 0 ] && [ -z "$TAR_EXCLUDES" ]; then
        (pack_around "$@")
        return
    fi
    set -f # --xattrs-include=* is for tar, not for the shell
    excludes=''
    for each in "$@"; do excludes="$excludes --exclude=./$each"; done
    # shellcheck disable=SC2086 # word splitting is intended
    tar $TAR_MAKE $excludes -cf - -C "$packed" .
    pack_code=$?
    set +f
    return $pack_code
}

# pack_around EXCLUDED...: for a tar without --exclude (busybox): name everything beside the excluded paths
pack_around() {
    local excluded parents parent each entries
    excluded=" $* " parents=$(list_parents "$@")
    cd -- "$packed" || return 1
    set --
    for parent in $parents; do
        entries=0
        for each in "$parent"/* "$parent"/.[!.]* "$parent"/..?*; do
            if [ ! -e "$each" ] && [ ! -L "$each" ]; then continue; fi
            entries=$((entries + 1))
            case $each in ./.before-restore-*) continue ;; esac
            case " $parents $excluded" in *" $each "* | *" ${each#./} "*) continue ;; esac
            set -- "$@" "$each"
        done
        expect_entries "$parent" "$entries" || return 1
    done
    [ $# -gt 0 ] || set -- --no-recursion .
    # shellcheck disable=SC2086 # word splitting is intended
    tar $TAR_MAKE -cf - "$@"
}

# expect_entries FOLDER COUNT: a shell that cannot read a folder finds nothing in it, and reports no error; `find` does
expect_entries() {
    local counted each
    # shellcheck disable=SC2016 # the inner shell counts its arguments
    counted=$(cd -- "$1" && find . ! -name . -prune -exec sh -c 'echo $#' sh {} +) || return 1
    set -- "$1" "$2" 0
    for each in $counted; do set -- "$1" "$2" $(($3 + each)); done
    [ "$3" -eq "$2" ] && return 0
    printf '%s: %s of %s\n' "$1" "$2" "$3" >&2
    return 1
}

# list_parents EXCLUDED...: the folders above them, outermost first, separated by blanks
list_parents() {
    local each above
    for each in "$@"; do
        above=./$each
        while [ "$above" != . ]; do
            above=${above%/*}
            if [ -d "$packed/$above" ]; then printf '%s\n' "$above"; fi
        done
    done | LC_ALL=C sort -u | tr '\n' ' '
}

# pack_parents FOLDER EXCLUDED...: the folders above the excluded paths, without their content
pack_parents() {
    local packed
    packed=$1
    shift
    # shellcheck disable=SC2086,SC2046 # word splitting is intended
    tar $TAR_MAKE --no-recursion -cf - -C "$packed" $(list_parents "$@")
}

# unpack_folder FOLDER: from standard input
unpack_folder() {
    local pack_code
    set -f
    # shellcheck disable=SC2086 # word splitting is intended
    tar $TAR_TAKE -xpf - -C "$1"
    pack_code=$?
    set +f
    return $pack_code
}

# ---- lib/files: files are written completely or not at all, and never through a link that users of containers may have
# planted

# nearest_folder PATH: the path, or the nearest parent that exists
nearest_folder() {
    local nearest
    nearest=$1
    while [ ! -d "$nearest" ]; do
        case $nearest in
            */*) nearest=${nearest%/*} ;;
            *) nearest=. ;;
        esac
        [ -n "$nearest" ] || nearest=/
    done
    printf '%s\n' "$nearest"
}

# flush PATH...: write it through to the disk
flush() { sync -- "$@" 2>/dev/null || sync; }

# empty_folder FOLDER: remove its content, keep the folder
empty_folder() { (cd -- "$1" && find . ! -name . -prune -exec rm -rf {} +); }

# enter_below FOLDER PATH: change into PATH below FOLDER, sets `inside` to the resulting path; works part by part, creates
# missing folders, and never follows a link: users of containers may plant links where data are kept. Must run in a subshell
enter_below() {
    local path_rest path_part
    cd -P -- "$1" || return 1
    inside=$(pwd -P) path_rest=$2
    while [ -n "$path_rest" ]; do
        path_part=${path_rest%%/*}
        case $path_rest in */*) path_rest=${path_rest#*/} ;; *) path_rest='' ;; esac
        case $path_part in '' | .) continue ;; ..) return 1 ;; esac
        if [ ! -d "./$path_part" ] || [ -L "./$path_part" ]; then mkdir "./$path_part" || return 1; fi
        cd -P -- "./$path_part" || return 1
        inside=${inside%/}/$path_part
        # it may have been replaced by a link in the meantime
        [ "$(pwd -P)" = "$inside" ] || return 1
    done
}

# put_below FOLDER PATH [MODE [OWNER]]: standard input becomes the file PATH below FOLDER; without MODE, private to its owner.
# It is written in a private folder, which other users cannot write to, and replaces any entry of its name, including a link
put_below() {
    local put_folder put_name private put_code inside=''
    put_folder='' put_name=${2##*/}
    case $2 in */*) put_folder=${2%/*} ;; esac
    (
        umask 022 # readers of the file need access to the folders above it
        enter_below "$1" "$put_folder" || exit 1
        umask 077
        set -C
        private=.bundle.$$
        rm -rf "./$private"
        mkdir "./$private" && cd -P -- "./$private" && [ "$(pwd -P)" = "${inside%/}/$private" ] || exit 1
        [ -n "$(find . -prune -user "$(id -u)")" ] || exit 1
        put_code=0
        {
            cat >./file && { [ -z "${4:-}" ] || chown "$4" ./file; } && chmod "${3:-600}" ./file && flush ./file &&
                put_in_place ./file "../$put_name"
        } || put_code=1
        rm -f ./file
        cd .. && rmdir "./$private"
        exit $put_code
    )
}

# owner_of PATH: its owner and group, as numbers
# shellcheck disable=SC2012 # `stat -c` is not available everywhere; the name is not read
owner_of() { ls -ldn -- "$1" | awk 'NR == 1 { print $3 ":" $4 }'; }

# put_in_place FILE TARGET: by renaming; a link to a folder is replaced, not entered
put_in_place() {
    mv -f -T -- "$1" "$2" 2>/dev/null && return 0
    if [ -L "$2" ]; then rm -f -- "$2" || return 1; fi
    [ ! -d "$2" ] && mv -f -- "$1" "$2"
}

# is_of_windows FILE: whether every line ends with CR and LF, but for a last one without an end. A value may end with CR
is_of_windows() {
    local unended
    unended=$(tail -c 1 "$1" | tr -d '\n' | wc -c) || lose_scratch
    awk -v unended="$unended" 'NR > 1 && !ended { mixed = 1; exit }
        { ended = /\r$/ }
        END { exit !(NR && !mixed && (ended || (NR > 1 && unended > 0))) }' "$1"
    case $? in
        0) return 0 ;;
        1) return 1 ;;
    esac
    lose_scratch
}

# decode_text FILE: sets `decoded`: the file, or a copy in UTF-8 if it begins with a byte order mark, as editors of Windows write
# it. Its status is 1 if it is no text: UTF-16 with broken characters, or NULs
decode_text() {
    local escapes
    decoded=$1
    case $(dd if="$1" bs=3 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n') in
        efbbbf*)
            decoded=$SCRATCH/decoded
            (umask 077 && tail -c +4 "$1" >"$decoded") || lose_scratch
            ;;
        fffe* | feff*)
            decoded=$SCRATCH/decoded
            keep "$SCRATCH/coded" od -An -v -tu1 "$1"
            awk "$PROGRAM_LIB_UTF16" "$SCRATCH/coded" >"$SCRATCH/escapes" || return 1
            while IFS= read -r escapes; do
                # shellcheck disable=SC2059 # nothing but escapes
                printf "$escapes"
            done <"$SCRATCH/escapes" >"$decoded" || lose_scratch
            ;;
    esac
    is_text "$decoded"
}

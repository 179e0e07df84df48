# ---- site/tree: copy, compare and update folders of files

# copy_listed LINES FOLDER: copy the files named in the file LINES, which has lines of SHA256SUMS, one by one, so that
# nothing else gets into FOLDER. The copies are checked, because the medium may return other bytes when it is read again.
# Modes come from modes.tsv
copy_listed() {
    local made lines line path source above wanted_sums=''
    made='' lines=0
    while IFS= read -r line; do
        lines=$((lines + 1))
        path=${line#*  } source=$HERE/${line#*  } above=$2
        case $path in
            */*) above=$2/${path%/*} ;;
            *) source=$FACTS/$path ;;
        esac
        if [ "$above" != "$made" ]; then
            mkdir -p "$above" || fail $EXIT_FAILED release.disk "$ROOT"
            made=$above
        fi
        if [ -L "$source" ] || [ ! -f "$source" ]; then refuse verify.changed "$path"; fi
        cat -- "$source" >"$2/$path" || {
            [ -r "$source" ] || refuse verify.unreadable "$HERE"
            fail $EXIT_FAILED release.disk "${2%/*}"
        }
    done <"$1" || lose_scratch
    expect_lines "$1" "$lines"
    match_sums "$1" "$2" || blame_sums $? "$2" "$1"
    set_modes "$2"
}

# set_modes FOLDER: of the files of modes.tsv that exist
set_modes() {
    local mode_lines mode lines path
    keep "$SCRATCH/modes" rows modes.tsv
    cut_column modes.tsv mode <"$SCRATCH/modes" | sort -u >"$SCRATCH/mode-list" || lose_scratch
    mode_lines=0
    while IFS= read -r mode; do
        mode_lines=$((mode_lines + 1))
        awk -F "$TAB" -v mode="$mode" "$AWK_FILE_MODE"'$FILE_MODE["mode"] == mode { print $FILE_MODE["path"] }' "$SCRATCH/modes" >"$SCRATCH/of-mode" || lose_scratch
        (cd -- "$1" && lines=0 && while IFS= read -r path; do
            lines=$((lines + 1))
            [ ! -f "$path" ] || printf '%s\n' "$path" || exit 1
        done <"$SCRATCH/of-mode" && [ "$(wc -l <"$SCRATCH/of-mode")" -eq "$lines" ]) >"$SCRATCH/chmod" || lose_scratch
        tr '\n' '\0' <"$SCRATCH/chmod" >"$SCRATCH/chmod.null" || lose_scratch
        [ ! -s "$SCRATCH/chmod" ] || (cd -- "$1" && xargs -0 chmod "$mode" <"$SCRATCH/chmod.null") || fail $EXIT_FAILED release.disk "${1%/*}"
    done <"$SCRATCH/mode-list"
    expect_lines "$SCRATCH/mode-list" "$mode_lines"
}

# list_paths FOLDER FILE: write the sorted paths of everything except folders to FILE
list_paths() {
    (cd -- "$1" && find . ! -type d) >"$2.found" && sed 's|^\./||' "$2.found" >"$2.paths" && LC_ALL=C sort "$2.paths" >"$2" &&
        [ "$(wc -l <"$2")" -eq "$(wc -l <"$2.found")" ]
}

# list_changes FOLDER OTHER: lines `changed|removed|added<TAB>path`, from FOLDER to OTHER
list_changes() {
    local lines path
    { list_paths "$1" "$SCRATCH/tree-1" && list_paths "$2" "$SCRATCH/tree-2"; } || return 1
    lines=0
    while IFS= read -r path; do
        lines=$((lines + 1))
        if [ ! -e "$2/$path" ]; then
            printf 'removed\t%s\n' "$path" || return 1
        elif ! cmp -s "$1/$path" "$2/$path"; then
            printf 'changed\t%s\n' "$path" || return 1
        fi
    done <"$SCRATCH/tree-1" || return 1
    [ "$(wc -l <"$SCRATCH/tree-1")" -eq "$lines" ] || return 1
    awk 'NR == FNR { known[$0]; next } !($0 in known) { printf "added\t%s\n", $0 }' "$SCRATCH/tree-1" "$SCRATCH/tree-2"
}

# update_tree FROM INTO: make INTO, a folder of a release, equal to FROM, each file by one rename; unchanged files stay untouched
update_tree() {
    local what='' path=''
    list_changes "$2" "$1" >"$SCRATCH/tree-updates" || return 1
    while read_edit what path <&6; do
        if [ "$what" = removed ]; then
            rm -f "$2/$path" || return 1
        else
            [ ! -d "$2/$path" ] || rm -rf "${2:?}/$path" || return 1 # all files in it are removed by now
            { mkdir -p "$2/$(dirname "$path")" && rm -rf "$ROOT/releases/.new" && cp -p -R -- "$1/$path" "$ROOT/releases/.new" &&
                mv -f "$ROOT/releases/.new" "$2/$path"; } || return 1
        fi
    done 6<"$SCRATCH/tree-updates"
}

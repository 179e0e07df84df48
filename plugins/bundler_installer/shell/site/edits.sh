# ---- site/edits: changes by an operator below config/ are detected, and either kept, saved or a reason to stop; they are
# never lost silently

# find_edits RELEASE: write lines `changed|removed|added<TAB>path` to $SCRATCH/edits
find_edits() {
    empty_file "$SCRATCH/edits"
    EDITED=$ROOT/releases/$1
    if [ -d "$EDITED/.written" ] && [ -d "$EDITED/config" ]; then
        list_changes "$EDITED/.written" "$EDITED/config" >"$SCRATCH/edits" || lose_scratch
    fi
}

# check_edits RELEASE: handle edits as --edits requests, if there are any
check_edits() {
    find_edits "$1"
    [ -s "$SCRATCH/edits" ] || return 0
    case $EDITS in
        keep) say edits.keep "$(show_edits)" ;;
        discard) say edits.discard "$(show_edits)" ;;
        *) fail $EXIT_FAILED edits.refused "$EDITED/config" "$(show_edits)" ;;
    esac
}

# show_edits: one per line
show_edits() {
    local what='' path=''
    while read_edit what path; do
        printf '%s\tconfig/%s\n' "$(format "edits.$what")" "$path"
    done <"$SCRATCH/edits" | print_columns 0 2
}

# carry_edits: apply them to the release that is prepared in `part`, or save them to a separate folder
carry_edits() {
    local lines what='' path=''
    [ -s "$SCRATCH/edits" ] || return 0
    if [ "$EDITS" = discard ]; then
        save_edits
        return
    fi
    empty_file "$SCRATCH/conflicts"
    lines=0
    while read_edit what path; do
        lines=$((lines + 1))
        "carry_$what" || printf '  config/%s\n' "$path" >>"$SCRATCH/conflicts" || lose_scratch
    done <"$SCRATCH/edits"
    expect_lines "$SCRATCH/edits" "$lines"
    [ ! -s "$SCRATCH/conflicts" ] || fail $EXIT_FAILED edits.conflict "$(cat "$SCRATCH/conflicts")"
}

# carry_changed: copy the file if the new release does not change it, else merge both changes
carry_changed() {
    local old own new
    old=$EDITED/.written/$path own=$EDITED/config/$path new=$part/config/$path
    if [ ! -e "$new" ]; then
        carry_added
    elif cmp -s "$old" "$new"; then
        cat "$own" >"$new"
    elif ! cmp -s "$own" "$new"; then
        merge_edit
    fi
}

# carry_added: copy it unless the new release has a different file of that name
carry_added() {
    local new
    new=$part/config/$path
    if [ -e "$new" ]; then
        cmp -s "$EDITED/config/$path" "$new"
    else
        mkdir -p "${new%/*}" && cp -p "$EDITED/config/$path" "$new"
    fi
}

# carry_removed: remove it unless the new release changes it
carry_removed() {
    local new
    new=$part/config/$path
    [ ! -e "$new" ] || { cmp -s "$EDITED/.written/$path" "$new" && rm -f "$new"; }
}

# merge_edit: with diff3 or patch, whichever is installed; a conflict is not resolved by guessing
merge_edit() {
    (umask 077 && empty_file "$SCRATCH/merged") || leave $EXIT_FAILED
    if have diff3; then
        diff3 -m "$own" "$old" "$new" >"$SCRATCH/merged" 2>/dev/null || return 1
    elif have patch && have diff; then
        cat "$new" >"$SCRATCH/merged"
        diff -u "$old" "$own" >"$SCRATCH/edit.diff"
        patch "$SCRATCH/merged" <"$SCRATCH/edit.diff" >/dev/null 2>&1 || return 1
    else
        return 1
    fi
    cat "$SCRATCH/merged" >"$new"
}

# save_edits: save the edited files, and the names of removed ones, below <root>/edits
save_edits() {
    local saved lines what='' path=''
    saved=$ROOT/edits/$(date -u '+%Y%m%dT%H%M%SZ')-${EDITED##*/}
    (umask 077 && mkdir -p "$saved") || fail $EXIT_FAILED release.disk "$ROOT"
    lines=0
    while read_edit what path; do
        lines=$((lines + 1))
        if [ "$what" = removed ]; then
            printf '%s\n' "$path" >>"$saved/removed"
        else
            { mkdir -p "$saved/config/$(dirname "$path")" && cp -p "$EDITED/config/$path" "$saved/config/$path"; }
        fi || fail $EXIT_FAILED release.disk "$ROOT"
    done <"$SCRATCH/edits"
    expect_lines "$SCRATCH/edits" "$lines"
    say edits.saved "$saved"
}

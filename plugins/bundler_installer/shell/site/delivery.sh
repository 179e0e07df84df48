# ---- site/delivery: files that services write, and that a bundle brings, are delivered to <root>/data and then belong to the
# site
#
# data/.delivered has the digest of each file as a bundle last offered it. A file that is still as it was delivered is
# renewed; one that the site changed or removed stays so. The record lies with the data, so a restored backup has its own.

# deliver_initial: deliver the files of the release that runs next; can be repeated, because a file is recorded after it is
# in place
deliver_initial() {
    local initial_from
    [ -f "$FACTS/initial.tsv" ] || return 0 # a release made before there were such files
    initial_from=$HERE/config/.initial-data
    keep "$SCRATCH/initial" rows initial.tsv
    cut_column initial.tsv path <"$SCRATCH/initial" >"$SCRATCH/initial-paths" || lose_scratch
    read_delivered
    if [ ! -s "$SCRATCH/initial-paths" ] && [ ! -s "$SCRATCH/delivered" ]; then return 0; fi
    hash_listed "$initial_from" "$SCRATCH/initial-paths" "$SCRATCH/initial-new"
    list_present
    hash_listed "$ROOT/data" "$SCRATCH/initial-present" "$SCRATCH/initial-now"
    decide_delivery
    place_initial
    record_delivered
    tell_delivery
}

# is_initial PATH: the bundle delivers a file of this name
is_initial() { [ -f "$FACTS/initial.tsv" ] && [ -n "$(look_up initial.tsv path "$1" path)" ]; }

# read_delivered: copy the record to $SCRATCH/delivered
read_delivered() {
    empty_file "$SCRATCH/delivered"
    if [ -L "$ROOT/data/.delivered" ] || [ ! -f "$ROOT/data/.delivered" ]; then return 0; fi
    cat -- "$ROOT/data/.delivered" >"$SCRATCH/delivered" || lose_scratch
}

# hash_listed FOLDER LIST FILE: write `digest<TAB>path` of each path of LIST, a file in FOLDER, to FILE
hash_listed() {
    empty_file "$3"
    [ -s "$2" ] || return 0
    tr '\n' '\0' <"$2" >"$SCRATCH/listed.null" || lose_scratch
    (cd -- "$1" && hash_files <"$SCRATCH/listed.null") >"$SCRATCH/listed.hashes" || fail $EXIT_FAILED delivery.unreadable "$1"
    cut -c 1-64 "$SCRATCH/listed.hashes" >"$SCRATCH/listed.digests" || lose_scratch
    expect_lines "$SCRATCH/listed.digests" "$(wc -l <"$2")"
    paste "$SCRATCH/listed.digests" "$2" >"$3" || lose_scratch
}

# list_present: which files of the release are at the site, and where something else has their name
list_present() {
    local lines path target
    empty_file "$SCRATCH/initial-present"
    empty_file "$SCRATCH/initial-odd"
    lines=0
    while IFS= read -r path; do
        lines=$((lines + 1)) target=$ROOT/data/$path
        if [ -L "$target" ]; then
            printf '%s\n' "$path" >>"$SCRATCH/initial-odd" || lose_scratch
        elif [ -f "$target" ]; then
            printf '%s\n' "$path" >>"$SCRATCH/initial-present" || lose_scratch
        elif [ -e "$target" ]; then
            printf '%s\n' "$path" >>"$SCRATCH/initial-odd" || lose_scratch
        fi
    done <"$SCRATCH/initial-paths"
    expect_lines "$SCRATCH/initial-paths" "$lines"
}

# decide_delivery: write `what<TAB>path` to $SCRATCH/delivery
decide_delivery() {
    keep "$SCRATCH/disposable-data" names disposable
    awk -v disposable="$SCRATCH/disposable-data" "$PROGRAM_SITE_DELIVERY" \
        part=delivered "$SCRATCH/delivered" part=present "$SCRATCH/initial-now" part=odd "$SCRATCH/initial-odd" \
        part=new "$SCRATCH/initial-new" >"$SCRATCH/delivery" || lose_scratch
}

# place_initial: each file by one rename, with the mode and owner that the bundle names; one that is renewed keeps its owner
place_initial() {
    local lines owner what='' path='' mode='' uid='' gid=''
    awk -F "$TAB" "$AWK_DELIVERY$AWK_INITIAL_FILE"'
        NR == FNR { what[$DELIVERY["path"]] = $DELIVERY["what"]; next }
        { print what[$INITIAL_FILE["path"]] "\t" $0 }' "$SCRATCH/delivery" "$SCRATCH/initial" >"$SCRATCH/placing" || lose_scratch
    lines=0
    while read_placing what path mode uid gid <&6; do
        lines=$((lines + 1)) owner=''
        case $what in
            deliver)
                [ "$uid" = - ] || owner=$uid
                [ "$gid" = - ] || owner=$owner:$gid
                ;;
            renew)
                owner=$(owner_of "$ROOT/data/$path") || lose_scratch
                ;;
            *) continue ;;
        esac
        put_below "$ROOT/data" "$path" "$mode" "$owner" <"$initial_from/$path" || fail $EXIT_FAILED delivery.failed "$ROOT/data/$path"
    done 6<"$SCRATCH/placing"
    expect_lines "$SCRATCH/placing" "$lines"
}

# record_delivered: what this release offered, also where the site keeps its own
record_delivered() {
    if cmp -s "$SCRATCH/initial-new" "$SCRATCH/delivered"; then return 0; fi
    put_below "$ROOT/data" .delivered <"$SCRATCH/initial-new" || fail $EXIT_FAILED delivery.failed "$ROOT/data/.delivered"
}

# tell_delivery: what the operator may want to compare or remove
tell_delivery() {
    local what='' path='' lines kept gone obsolete
    lines=0 kept='' gone='' obsolete=''
    while read_delivery what path; do
        lines=$((lines + 1))
        case $what in
            keep) kept="$kept$NEWLINE  data/$path" ;;
            gone) gone="$gone$NEWLINE  data/$path" ;;
            obsolete) [ ! -e "$ROOT/data/$path" ] || obsolete="$obsolete$NEWLINE  data/$path" ;;
        esac
    done <"$SCRATCH/delivery"
    expect_lines "$SCRATCH/delivery" "$lines"
    [ -z "$kept" ] || warn delivery.kept "${kept#"$NEWLINE"}" "$initial_from"
    [ -z "$gone" ] || warn delivery.gone "${gone#"$NEWLINE"}" "$initial_from"
    [ -z "$obsolete" ] || warn delivery.obsolete "${obsolete#"$NEWLINE"}"
}

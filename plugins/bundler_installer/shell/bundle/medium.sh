# ---- bundle/medium: a bundle on another file system is read only once: its image files are copied while they are hashed,
# and loaded from the copies, which get their names only after their digests matched

# plan_copies: write the lines of SHA256SUMS whose files are copied to $SCRATCH/copies: those that are not kept yet. None if
# links are possible, which take no space, or if copies might leave too little free space
plan_copies() {
    local kept lines need digest='' path=''
    empty_file "$SCRATCH/copies"
    if [ -n "$NO_BLOBS" ] || [ ! -d "$HERE/images" ] || can_link "$HERE/images"; then return 0; fi
    FAR=yes kept=$ROOT/blobs/sha256
    keep "$SCRATCH/image-files" image_files "$FACTS"
    lines=0
    while read_image_file digest path; do
        lines=$((lines + 1))
        [ -f "$kept/$digest" ] || printf '%s  %s\n' "$digest" "$path" || lose_scratch
    done <"$SCRATCH/image-files" >"$SCRATCH/lacking-copies" || lose_scratch
    expect_lines "$SCRATCH/image-files" "$lines"
    [ -s "$SCRATCH/lacking-copies" ] || return 0
    need=$(cut -c 67- "$SCRATCH/lacking-copies" | sum_sizes |
        awk -v loading="$(count_loading)" -v spare="$WAY_BACK" '{ printf "%.0f\n", $1 + loading + spare + 1000000000 }')
    if too_little "$need" "$(free_bytes "$(nearest_folder "$ROOT")")"; then return 0; fi
    take_lock
    { mkdir -p "$kept" && rm -f "$kept"/.copy-*; } || fail $EXIT_FAILED release.disk "$ROOT"
    mv -f "$SCRATCH/lacking-copies" "$SCRATCH/copies"
}

# count_loading: bytes that an engine on the same disk may take while it loads all images
count_loading() {
    awk -v a="$(number_fact images_bytes)" -v b="$(number_fact unpacked_bytes)" 'BEGIN { printf "%.0f\n", a + b }'
}

# can_link FOLDER: hard links from below the root into it are possible: it is on the same mount, and every file belongs to
# this user
can_link() {
    [ "$(mount_of "$1")" = "$(mount_of "$(nearest_folder "$ROOT")")" ] && is_own_tree "$1"
}

# is_own_tree FOLDER: other users cannot change its content, or replace the folder
is_own_tree() {
    local own_log own_code foreign_files
    own_log=$LOG LOG=/dev/null
    (walk_path "$1") >/dev/null 2>&1
    own_code=$?
    LOG=$own_log
    [ "$own_code" -eq 0 ] || return 1
    foreign_files=$(find "$1" \( ! -user "$(id -u)" -o -perm -002 \) -print 2>/dev/null) || return 1
    [ -z "$foreign_files" ]
}

# mount_of PATH: the device, and its mount point
mount_of() { df -P "$1" 2>/dev/null | awk 'NR == 2 { $2 = $3 = $4 = $5 = ""; print }'; }

# copy_group GROUP: sets `count`; copy and hash the files of the lines in GROUP.copies; the first that differs goes to
# GROUP.bad
copy_group() {
    local kept digest path found
    kept=$ROOT/blobs/sha256
    while read -r digest path; do
        rm -f "$1.whole"
        found=$({ tee "$kept/.copy-$digest" <"$path" 2>/dev/null && printf '' >"$1.whole"; } | hash_stream)
        if [ "${found%% *}" = "$digest" ] && [ -f "$1.whole" ] && mv -f "$kept/.copy-$digest" "$kept/$digest"; then
            count=$((count + 1))
            continue
        fi
        rm -f "$kept/.copy-$digest"
        if [ "${found%% *}" = "$digest" ]; then empty_file "$SCRATCH/disk-full"; else printf '%s\n' "$path" >"$1.bad"; fi
        return 1
    done <"$1.copies"
}

# drop_copies: remove what was copied from a bundle that is refused
drop_copies() {
    local digest
    while read -r digest _; do rm -f "$ROOT/blobs/sha256/$digest" "$ROOT/blobs/sha256/.copy-$digest"; done <"$SCRATCH/copies"
}

# use_copies: the files in $SCRATCH/blobs are below the root. Those that this run did not copy are checked now
use_copies() {
    [ -n "$FAR" ] || return 1
    awk -v copies="$SCRATCH/copies" '
        BEGIN { while ((getline line < copies) > 0) copied["blobs/sha256/" substr(line, 1, 64)] }
        !($0 in copied)' "$SCRATCH/blobs" >"$SCRATCH/older-blobs"
    match_digests "$SCRATCH/older-blobs"
}

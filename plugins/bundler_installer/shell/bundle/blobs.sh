# ---- bundle/blobs: image files that are kept to reload images of the current and the previous release if the engine has
# lost one

# image_files RELEASE_DIR: digest and path of each big file of images/, from the bundle's checksums
image_files() {
    awk '{ path = substr($0, 67) } path ~ /^images\/(blobs\/|images\.tar)/ { print substr($0, 1, 64) "\t" path }' "$1/SHA256SUMS"
}

# keep_blobs: as hard links into the unpacked bundle if possible, which take no space; else as copies, if there is enough
# free space
keep_blobs() {
    local kept lines need digest='' path=''
    if [ -n "$NO_BLOBS" ] || [ ! -d "$HERE/images" ]; then return 0; fi
    kept=$ROOT/blobs/sha256
    mkdir -p "$kept" || fail $EXIT_FAILED release.disk "$ROOT"
    keep "$SCRATCH/image-files" image_files "$FACTS"
    empty_file "$SCRATCH/uncopied"
    lines=0
    while read_image_file digest path; do
        lines=$((lines + 1))
        [ ! -f "$kept/$digest" ] || continue
        link_blob "$HERE/$path" "$kept/$digest" || printf '%s\t%s\n' "$digest" "$path" >>"$SCRATCH/uncopied" || lose_scratch
    done <"$SCRATCH/image-files"
    expect_lines "$SCRATCH/image-files" "$lines"
    [ -s "$SCRATCH/uncopied" ] || return 0
    need=$(cut_column image-files path <"$SCRATCH/uncopied" | sum_sizes |
        awk -v spare="$WAY_BACK" '{ printf "%.0f\n", $1 + spare + 1000000000 }')
    if too_little "$need" "$(free_bytes "$ROOT")"; then
        warn blobs.no_room "$ROOT"
        return 0
    fi
    cut_column image-files path <"$SCRATCH/uncopied" | expect_files "$HERE"
    metered copy '' copy_blobs
}

# copy_blobs: those in $SCRATCH/uncopied
copy_blobs() {
    local lines digest='' path=''
    lines=0
    while read_image_file digest path; do
        lines=$((lines + 1))
        { cp -- "$HERE/$path" "$kept/.part" && mv -f "$kept/.part" "$kept/$digest"; } || fail $EXIT_FAILED release.disk "$ROOT"
    done <"$SCRATCH/uncopied"
    expect_lines "$SCRATCH/uncopied" "$lines"
}

# link_blob FILE TARGET: only a file of this user that others cannot write to; otherwise they could change it later
link_blob() {
    [ -n "$(find "$1" -prune -user "$(id -u)" ! -perm -020 ! -perm -002 2>/dev/null)" ] || return 1
    ln "$1" "$2" 2>/dev/null
}

# check_kept LIST BYTES: the kept files named in the list (blobs/sha256/<digest>) have their digests
check_kept() {
    say blobs.check "$(human "$2")"
    match_digests "$1" || fail $EXIT_FAILED images.gone "$(cut_column absent reference <"$SCRATCH/absent" | tr '\n' ' ')"
}

# match_digests LIST: whether each of them has the digest that is its name
match_digests() {
    local matched
    [ -s "$1" ] || return 0
    tr '\n' '\0' <"$1" >"$1.null" || lose_scratch
    expect_files "$ROOT" <"$1"
    metered check-files '' hash_below "$ROOT" "$1.null" "$1.digests" || return 1
    cut -c 1-64 "$1.digests" >"$1.found" || lose_scratch
    matched=$(paste -d ' ' "$1.found" "$1" | awk '$2 != "blobs/sha256/" $1 { exit 1 } END { print NR }') && [ "$matched" -eq "$(wc -l <"$1")" ]
}

# prune_blobs: remove all but those of kept releases
prune_blobs() {
    local kept blob
    [ -d "$ROOT/blobs/sha256" ] || return 0
    empty_file "$SCRATCH/kept-blobs"
    for kept in $keep_releases; do
        [ ! -f "$ROOT/releases/$kept/SHA256SUMS" ] || image_files "$ROOT/releases/$kept" >>"$SCRATCH/kept-blobs" || lose_scratch
    done
    (cd -- "$ROOT/blobs/sha256" && find . -type f) >"$SCRATCH/there-blobs" || lose_scratch
    # a list that cannot be read completely must not look like one that names nothing
    awk -v list="$SCRATCH/kept-blobs" -v lines="$(wc -l <"$SCRATCH/kept-blobs")" "$PROGRAM_BUNDLE_IDLE_BLOBS" "$SCRATCH/there-blobs" >"$SCRATCH/idle-blobs" || lose_scratch
    while IFS= read -r blob; do rm -f "$ROOT/blobs/sha256/$blob"; done <"$SCRATCH/idle-blobs"
}

# sum_sizes: the total size of the bundle's files named on standard input; taken from directory entries, because wc of
# busybox would read the files
sum_sizes() { (cd -- "$HERE" && tr '\n' '\0' | xargs -0 ls -ln) | awk '{ sum += $5 } END { printf "%.0f\n", sum }'; }

# ---- node/images: the command `node-images`: the images of a bundle go into the containerd of this Kubernetes node, under the name
# with the tag and the one with the digest, so that pods find them without a registry

run_node_images() {
    local imported wanted_machine
    require_tools
    [ -z "$INSTALLED" ] || fail $EXIT_USAGE node.installed
    [ "$(id -u)" = 0 ] || fail $EXIT_FAILED node.not_root
    wanted_machine=$(look_up checks.tsv id platform required) || lose_scratch
    [ "$(name_machine)" = "$wanted_machine" ] || fail $EXIT_FAILED node.platform "$wanted_machine" "$(name_machine)"
    choose_runtime
    say node.runtime "$RUNTIME" "$RUNTIME_SOCKET"
    if is_compact; then have zstd || fail $EXIT_FAILED node.no_zstd; fi
    verify_bundle
    is_own_tree "$HERE/images" || fail $EXIT_FAILED node.owner "$HERE"
    keep "$SCRATCH/wanted-images" rows images.tsv
    list_missing_there
    if [ -s "$SCRATCH/absent" ]; then
        check_node_room
        import_images
    fi
    name_node_images
    list_node_images
    check_node_images
    imported=$(wc -l <"$SCRATCH/absent" | tr -d ' ')
    say node.done "$(wc -l <"$SCRATCH/wanted-images" | tr -d ' ')" "$imported"
}

# list_missing_there: reference and manifest of the images that the node lacks, to $SCRATCH/absent
list_missing_there() {
    local reference='' manifest=''
    list_node_images
    empty_file "$SCRATCH/absent"
    while read_image reference manifest; do
        if is_on_node "$reference" "$manifest"; then continue; fi
        printf '%s\t%s\n' "$reference" "$manifest" >>"$SCRATCH/absent" || lose_scratch
    done <"$SCRATCH/wanted-images"
}

# check_node_room: containerd keeps the blobs and the unpacked layers
check_node_room() {
    local need free
    [ -d "$RUNTIME_DATA" ] || return 0
    need=$(awk -F "$TAB" -v absent="$SCRATCH/absent" "$AWK_IMAGE$AWK_ABSENT_IMAGE"'
        BEGIN { while ((getline line < absent) > 0) { split(line, f, "\t"); wanted[f[ABSENT_IMAGE["reference"]]] } }
        $IMAGE["reference"] in wanted { sum += $IMAGE["bytes"] + $IMAGE["unpacked"] }
        END { printf "%.0f\n", sum }' "$SCRATCH/wanted-images") || lose_scratch
    free=$(free_bytes "$RUNTIME_DATA")
    { is_number "$need" && is_number "$free"; } || lose_scratch
    if too_little "$need" "$free"; then fail $EXIT_FAILED node.no_room "$RUNTIME_DATA" "$(human "$free")" "$(human "$need")"; fi
}

# import_images: those that the node lacks, in one stream
import_images() {
    rm -f "$SCRATCH/tar-done" "$SCRATCH/unpacked"
    if is_compact; then
        find_archive
        say images.load "$(wc -l <"$SCRATCH/absent" | tr -d ' ')" "$(human "$(number_fact images_bytes)")"
        empty_file "$SCRATCH/unpack-errors"
        expect_files "$ARCHIVE" <"$SCRATCH/parts"
        metered load '' pipe_archive || fail_to_import "$SCRATCH/unpack-errors"
        { [ -f "$SCRATCH/joined" ] && [ -f "$SCRATCH/unpacked" ]; } || fail_to_import "$SCRATCH/unpack-errors"
        return 0
    fi
    empty_file "$SCRATCH/known-layers"
    list_blobs
    BLOBS=$HERE/images/blobs
    say images.load "$(wc -l <"$SCRATCH/absent" | tr -d ' ')" "$(human "$(cat "$SCRATCH/blob-bytes")")"
    write_layout
    expect_files "${BLOBS%/*}" <"$SCRATCH/blobs"
    metered load '' pipe_to_node || fail_to_import "$SCRATCH/tar-errors"
}

# pipe_to_node: both ends must succeed, and dash has no pipefail
pipe_to_node() {
    print_layout | in_containerd 'images import' - >"$SCRATCH/load-output" 2>&1 && [ -f "$SCRATCH/tar-done" ]
}

pipe_archive() {
    { join_parts | zstd -dcq --long="$(number_fact window)" 2>>"$SCRATCH/unpack-errors" && printf '' >"$SCRATCH/unpacked"; } |
        in_containerd 'images import' - >"$SCRATCH/load-output" 2>&1
}

# fail_to_import FILE: end the run; FILE has the errors of what read the bundle
fail_to_import() {
    write_log "$(cat "$SCRATCH/load-output")"
    [ -z "$(read_error "$1")" ] || fail $EXIT_FAILED images.read_failed "$(read_error "$1")"
    blame_scratch
    fail $EXIT_FAILED node.import_failed "$(tail -n 3 "$SCRATCH/load-output")" "$RUNTIME_DATA"
}

# name_node_images: by digest as well; and pinned, so that a newer containerd keeps the kubelet from removing them
name_node_images() {
    local reference='' manifest='' other
    list_node_images
    while read_image reference manifest <&5; do
        is_on_node "$reference" "$manifest" || fail $EXIT_FAILED node.wrong "$reference" "$manifest"
        other=$(name_by_digest "$reference" "$manifest")
        is_on_node "$other" "$manifest" || name_image "$reference" "$other"
        pin_image "$reference"
        pin_image "$other"
    done 5<"$SCRATCH/wanted-images"
}

name_image() {
    in_containerd 'images tag' --force "$1" "$2" >"$SCRATCH/load-output" 2>&1 ||
        fail $EXIT_FAILED node.import_failed "$(tail -n 3 "$SCRATCH/load-output")" "$RUNTIME_DATA"
}

# pin_image NAME: source: containerd, pkg/cri/labels of 1.7
pin_image() {
    in_containerd 'images label' "$1" io.cri-containerd.pinned=pinned >"$SCRATCH/load-output" 2>&1 ||
        fail $EXIT_FAILED node.import_failed "$(tail -n 3 "$SCRATCH/load-output")" "$RUNTIME_DATA"
}

# check_node_images: each is there, whole and unpacked, under both names
check_node_images() {
    local reference='' manifest='' name
    while read_image reference manifest <&5; do
        for name in "$reference" "$(name_by_digest "$reference" "$manifest")"; do
            is_on_node "$name" "$manifest" || fail $EXIT_FAILED node.wrong "$name" "$manifest"
        done
    done 5<"$SCRATCH/wanted-images"
}

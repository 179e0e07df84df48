# ---- target/compose/images: load only missing images, in one stream, without unpacking them to disk first

# image_state REFERENCE MANIFEST CONFIG: present, untagged (present under another name) or absent
image_state() {
    local id
    if [ -f "$SCRATCH/engine-images" ] && ! grep -qxF -e "$2" -e "$3" "$SCRATCH/engine-images"; then
        echo absent
        return
    fi
    id=$(docker image inspect -f '{{.Id}}' "$1" 2>/dev/null)
    # the ID is the digest of the config with overlay2, of the manifest with the containerd image store
    if [ "$id" = "$2" ] || [ "$id" = "$3" ]; then
        echo present
    elif docker image inspect "$3" >/dev/null 2>&1; then
        echo untagged "$3"
    elif docker image inspect "$2" >/dev/null 2>&1; then
        echo untagged "$2"
    else
        echo absent
    fi
}

# list_engine_images: the IDs of all images in the engine, so that it need not be queried for each missing image
list_engine_images() { docker images -aq --no-trunc >"$SCRATCH/engine-images" 2>/dev/null || rm -f "$SCRATCH/engine-images"; }

# images_are_there: query the engine for all of them at once
images_are_there() {
    local as_wanted
    keep "$SCRATCH/wanted-images" rows images.tsv
    [ -s "$SCRATCH/wanted-images" ] || return 0
    cut_column images.tsv reference <"$SCRATCH/wanted-images" >"$SCRATCH/wanted-names" || lose_scratch
    xargs docker image inspect -f '{{.Id}}' <"$SCRATCH/wanted-names" >"$SCRATCH/image-ids" 2>/dev/null || return 1
    as_wanted=$(awk -F "$TAB" -v ids="$SCRATCH/image-ids" "$AWK_IMAGE"'
        (getline id < ids) <= 0 || (id != $IMAGE["manifest"] && id != $IMAGE["config"]) { exit 1 }
        END { if ((getline id < ids) <= 0) print NR }' "$SCRATCH/wanted-images") &&
        [ "$as_wanted" -eq "$(wc -l <"$SCRATCH/wanted-images")" ]
}

load_images() {
    local state reference='' manifest='' config=''
    if images_are_there; then
        say images.present
        return
    fi
    empty_file "$SCRATCH/absent"
    list_engine_images
    while read_image reference manifest config; do
        state=$(image_state "$reference" "$manifest" "$config")
        case $state in
            present) ;;
            absent) printf '%s\t%s\n' "$reference" "$manifest" >>"$SCRATCH/absent" || lose_scratch ;;
            untagged*) docker tag "${state#untagged }" "$reference" || fail $EXIT_FAILED images.tag ;;
            *) lose_scratch ;;
        esac
    done <"$SCRATCH/wanted-images"
    if [ ! -s "$SCRATCH/absent" ]; then
        say images.present
        return
    fi
    if is_compact; then load_compact; else load_layout; fi
    images_are_there || fail $EXIT_FAILED images.wrong "$(cut_column absent reference <"$SCRATCH/absent" | tr '\n' ' ')"
}

# load_layout: load the missing images, without the layers that the engine has
load_layout() {
    list_known_layers
    list_blobs
    find_blobs
    say images.load "$(wc -l <"$SCRATCH/absent" | tr -d ' ')" "$(human "$(cat "$SCRATCH/blob-bytes")")"
    write_layout
    stream_images || {
        # the engine's own record of its layers may be incomplete: try again with all of them
        [ -s "$SCRATCH/known-layers" ] || fail_to_load
        write_log "$(cat "$SCRATCH/load-output")"
        empty_file "$SCRATCH/known-layers"
        list_blobs
        find_blobs
        stream_images || fail_to_load
    }
}

# list_known_layers: manifest and layers, in order, of every image in the engine, of this release or another
list_known_layers() {
    local tables reference='' manifest='' config=''
    empty_file "$SCRATCH/known-layers"
    for tables in "$FACTS" "$ROOT"/releases/*; do
        [ -f "$tables/blobs.tsv" ] || continue
        rows_of "$tables" images.tsv | while read_image reference manifest config; do
            if grep -qF -- "$manifest" "$SCRATCH/known-layers"; then continue; fi
            [ "$(image_state "$reference" "$manifest" "$config")" != absent ] || continue
            awk -F "$TAB" -v manifest="$manifest" "$AWK_BLOB"'
                $BLOB["manifest"] == manifest && $BLOB["kind"] == "layer" { print manifest "\t" $BLOB["blob"] }' \
                "$tables/blobs.tsv" >>"$SCRATCH/known-layers"
        done
    done
}

stream_images() {
    expect_files "${BLOBS%/*}" <"$SCRATCH/blobs"
    metered load '' pipe_layout
}

# pipe_layout: into the engine; both ends must succeed, and dash has no pipefail
pipe_layout() {
    rm -f "$SCRATCH/tar-done"
    print_layout | docker load >"$SCRATCH/load-output" 2>&1 && [ -f "$SCRATCH/tar-done" ]
}

fail_to_load() {
    local with_zstd
    write_log "$(cat "$SCRATCH/load-output")"
    [ -z "$(read_error "$SCRATCH/tar-errors")" ] || fail $EXIT_FAILED images.read_failed "$(read_error "$SCRATCH/tar-errors")"
    docker_answers || fail $EXIT_FAILED images.engine_gone
    if ! at_least "$(sed -n 1p "$SCRATCH/docker-version")" 23.0 && ! is_podman; then
        with_zstd=$(find_zstd)
        [ -z "$with_zstd" ] || fail $EXIT_FAILED images.zstd "$with_zstd" "$(sed -n 1p "$SCRATCH/docker-version")"
    fi
    fail $EXIT_FAILED images.load_failed "$(tail -n 3 "$SCRATCH/load-output")"
}

# find_zstd: the first of the files in $SCRATCH/blobs that is zstd (RFC 8878, 3.1.1: the magic number)
find_zstd() {
    local file
    while IFS= read -r file; do
        case $(od -An -tx1 -N4 "$SCRATCH/layout/$file" 2>/dev/null | tr -d ' ') in
            28b52ffd)
                printf '%s' "${file##*/}"
                break
                ;;
        esac
    done <"$SCRATCH/blobs"
}

# find_blobs: where the files in $SCRATCH/blobs are: in the verified bundle, or kept blobs, which are checked now
find_blobs() {
    BLOBS=$HERE/images/blobs
    if [ -d "$BLOBS" ]; then
        ! use_copies || BLOBS=$ROOT/blobs
        return 0
    fi
    BLOBS=$ROOT/blobs
    check_kept "$SCRATCH/blobs" "$(cat "$SCRATCH/blob-bytes")"
}

image_exists() { docker image inspect "$1" >/dev/null 2>&1; }

# drop_image NAME: the engine keeps images in use by containers
drop_image() { docker image rm "$1" >/dev/null 2>&1; }

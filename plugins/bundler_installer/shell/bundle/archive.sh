# ---- bundle/archive: the images of a compact bundle: an archive whose uncompressed layers are in one zstd stream

is_compact() { [ "$(fact compression)" = compact ]; }

# join_parts: print the stream, whose parts are below ARCHIVE; the file `joined` proves that it was whole
join_parts() { (cd -- "$ARCHIVE" && xargs cat -- <"$SCRATCH/parts") 2>>"$SCRATCH/unpack-errors" && printf '' >"$SCRATCH/joined"; }

# find_archive: where the stream's parts are: folder ARCHIVE, paths in $SCRATCH/parts. Those in the bundle are verified, kept
# ones are checked now
find_archive() {
    keep "$SCRATCH/image-files" image_files "$FACTS"
    { cut_column image-files digest <"$SCRATCH/image-files" >"$SCRATCH/image-digests" && sed 's|^|blobs/sha256/|' "$SCRATCH/image-digests" >"$SCRATCH/blobs" && cp "$SCRATCH/blobs" "$SCRATCH/parts"; } || lose_scratch
    ARCHIVE=$ROOT
    if [ ! -d "$HERE/images" ]; then
        check_kept "$SCRATCH/blobs" "$(number_fact images_bytes)"
    elif ! use_copies; then
        # the engine accepts all images that the stream names
        is_own_tree "$HERE/images" || fail $EXIT_FAILED compact.owner "$HERE" "$ROOT"
        ARCHIVE=$HERE
        cut_column image-files path <"$SCRATCH/image-files" >"$SCRATCH/parts" || lose_scratch
    fi
}

# ---- bundle/layout: an image layout with those images of the bundle that a site lacks, as a stream

# list_blobs: every blob of the missing images once, and their total size. The lowest layers are omitted if an image in the
# engine has the same ones in the same order: the engine identifies a layer by its content and the layers below it
list_blobs() {
    keep "$SCRATCH/all-blobs" rows blobs.tsv
    awk -F "$TAB" -v absent="$SCRATCH/absent" -v layers="$SCRATCH/known-layers" -v bytes="$SCRATCH/blob-bytes" \
        "$AWK_BLOB$AWK_ABSENT_IMAGE$AWK_KNOWN_LAYER$PROGRAM_BUNDLE_BLOBS" "$SCRATCH/all-blobs" >"$SCRATCH/blobs" || lose_scratch
}

# write_layout: write the small files of an image layout that contains only the missing images
write_layout() {
    rm -rf "$SCRATCH/layout"
    # the blobs are reached through a link: tar of busybox supports only one -C
    { mkdir -p "$SCRATCH/layout" && ln -s "$BLOBS" "$SCRATCH/layout/blobs" &&
        printf '{"imageLayoutVersion":"1.0.0"}' >"$SCRATCH/layout/oci-layout" &&
        {
            printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[' &&
                join_entries image-oci.tsv descriptor &&
                printf ']}'
        } >"$SCRATCH/layout/index.json" &&
        {
            printf '[' &&
                join_entries image-archive.tsv entry &&
                printf ']'
        } >"$SCRATCH/layout/manifest.json"; } || lose_scratch
}

# join_entries TABLE COLUMN: the JSON objects of the missing images, separated by commas
join_entries() {
    local reference_column column=''
    keep "$SCRATCH/entries" rows "$1"
    number_column "$1" reference
    reference_column=$column
    number_column "$1" "$2"
    awk -F "$TAB" -v absent="$SCRATCH/absent" -v reference="$reference_column" -v entry="$column" "$AWK_ABSENT_IMAGE"'
        BEGIN { while ((getline line < absent) > 0) { split(line, f, "\t"); wanted[f[ABSENT_IMAGE["reference"]]] } }
        $reference in wanted { printf "%s%s", comma, $entry; comma = "," }' "$SCRATCH/entries"
}

# print_layout: as tar; the file `tar-done` proves that it was whole
print_layout() {
    # names as arguments: tar of busybox has no -T. They are hex digits, and several thousand fit
    # shellcheck disable=SC2046 # word splitting is intended
    set -- $(cat "$SCRATCH/blobs")
    tar -cf - -C "$SCRATCH/layout" oci-layout index.json manifest.json "$@" 2>"$SCRATCH/tar-errors" && printf '' >"$SCRATCH/tar-done"
}

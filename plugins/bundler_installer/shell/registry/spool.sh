# ---- registry/spool: of compact images, whose layers are in one stream, only the blobs that the registry lacks are unpacked,
# to a folder that is removed at the end of the run

# open_spool: sets SPOOL: not in memory, as the scratch folder may be
open_spool() {
    local spool_in
    spool_in=${TMPDIR:-/var/tmp}
    sweep_scratch "$spool_in"
    SPOOL=$(mktemp -d "$spool_in/bundle.XXXXXX" 2>/dev/null) || fail $EXIT_FAILED tools.scratch "$spool_in"
    { chmod 700 "$SPOOL" && describe_run >"$SPOOL/process"; } || fail $EXIT_FAILED tools.scratch "$spool_in"
}

close_spool() { [ -z "$SPOOL" ] || empty_scratch "$SPOOL"; }

clean_at_exit close_spool

# fill_spool TASKS: unpack the blobs of the tasks; sets BLOBS
fill_spool() {
    local need names
    cut_column push-tasks digest <"$1" | sort -u >"$SCRATCH/push/spooled" || lose_scratch
    need=$(awk -F "$TAB" -v list="$SCRATCH/push/spooled" "$AWK_BLOB"'
        BEGIN { while ((getline line < list) > 0) wanted[line] }
        ($BLOB["blob"] in wanted) && !seen[$BLOB["blob"]]++ { sum += $BLOB["bytes"] + 4096 }
        END { printf "%.0f\n", sum + 1000000 }' "$SCRATCH/push/blobs")
    open_spool
    if too_little "$need" "$(free_bytes "$SPOOL")"; then fail $EXIT_FAILED push.no_room "$(human "$need")" "${SPOOL%/*}"; fi
    keep "$SCRATCH/push/archive" image_files "$FACTS"
    cut_column image-files path <"$SCRATCH/push/archive" >"$SCRATCH/parts" || lose_scratch
    rm -f "$SCRATCH/unpacked" "$SCRATCH/joined"
    empty_file "$SCRATCH/unpack-errors"
    sed 's|^sha256:|blobs/sha256/|' "$SCRATCH/push/spooled" >"$SCRATCH/push/members" || lose_scratch
    ARCHIVE=$HERE
    expect_files "$ARCHIVE" <"$SCRATCH/parts"
    metered spool '' unpack_blobs || {
        [ -z "$(read_error "$SCRATCH/unpack-errors")" ] || fail $EXIT_FAILED images.read_failed "$(read_error "$SCRATCH/unpack-errors")"
        fail $EXIT_FAILED release.disk "$SPOOL"
    }
    { [ -f "$SCRATCH/joined" ] && [ -f "$SCRATCH/unpacked" ]; } || fail $EXIT_FAILED images.read_failed "$(sed -n 1p "$SCRATCH/unpack-errors")"
    BLOBS=$SPOOL/blobs
    while IFS= read -r names; do
        [ -f "$SPOOL/$names" ] || fail $EXIT_FAILED images.read_failed "$names"
    done <"$SCRATCH/push/members"
}

# unpack_blobs: the members that are named; tar reads the stream to its end, so that zstd does too
unpack_blobs() {
    # hex digits, as arguments: tar of busybox has no -T
    # shellcheck disable=SC2046 # word splitting is intended
    set -- $(cat "$SCRATCH/push/members")
    {
        join_parts | zstd -dcq --long="$(number_fact window)" 2>>"$SCRATCH/unpack-errors" && printf '' >"$SCRATCH/unpacked"
    } | (cd -- "$SPOOL" && tar -xf - "$@" 2>>"$SCRATCH/unpack-errors" && cat >/dev/null)
}

# ---- target/compose/compact: the engine loads images whose uncompressed layers are in one zstd stream

# find_unpacker: what reads the stream: the program zstd, which has its own memory, or else an engine that can
find_unpacker() {
    UNPACKER=''
    if have zstd; then
        UNPACKER=zstd
    elif [ "$(number_fact window)" -le 27 ] && docker_answers && at_least "$(sed -n 1p "$SCRATCH/docker-version")" 23.0; then
        UNPACKER=engine
    fi
    [ -n "$UNPACKER" ]
}

# load_compact: the engine skips layers that it has
load_compact() {
    find_archive
    find_unpacker || fail $EXIT_FAILED compact.no_unpacker
    say images.load "$(wc -l <"$SCRATCH/absent" | tr -d ' ')" "$(human "$(number_fact images_bytes)")"
    rm -f "$SCRATCH/unpacked" "$SCRATCH/joined"
    empty_file "$SCRATCH/unpack-errors"
    expect_files "$ARCHIVE" <"$SCRATCH/parts"
    metered load '' pipe_parts || {
        write_log "$(cat "$SCRATCH/load-output")"
        [ -z "$(read_error "$SCRATCH/unpack-errors")" ] || fail $EXIT_FAILED images.read_failed "$(read_error "$SCRATCH/unpack-errors")"
        docker_answers || fail $EXIT_FAILED images.engine_gone
        fail $EXIT_FAILED images.load_failed "$(tail -n 3 "$SCRATCH/load-output")"
    }
    if [ -f "$SCRATCH/joined" ] && [ -f "$SCRATCH/unpacked" ]; then return 0; fi
    blame_scratch
    fail $EXIT_FAILED images.read_failed "$(sed -n 1p "$SCRATCH/unpack-errors")"
}

# pipe_parts: into the engine
pipe_parts() {
    case $UNPACKER in
        zstd) join_parts | zstd -dcq --long="$(number_fact window)" 2>>"$SCRATCH/unpack-errors" && printf '' >"$SCRATCH/unpacked" ;;
        *) join_parts && printf '' >"$SCRATCH/unpacked" ;;
    esac | docker load >"$SCRATCH/load-output" 2>&1
}

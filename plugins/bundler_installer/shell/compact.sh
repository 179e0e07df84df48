# ---- compact: images whose unpacked layers travel in one zstd stream

is_compact() { [ "$(fact compression)" = compact ]; }

# find_unpacker: who reads the stream: the program zstd, whose memory is its own, else an engine that can
find_unpacker() {
    UNPACKER=''
    if have zstd; then
        UNPACKER=zstd
    elif [ "$(number_fact window)" -le 27 ] && docker_answers && at_least "$(sed -n 1p "$SCRATCH/docker-version")" 23.0; then
        UNPACKER=engine
    fi
    [ -n "$UNPACKER" ]
}

# load_compact: the engine leaves out layers that it has
load_compact() {
    find_archive
    find_unpacker || fail $EXIT_FAILED compact.no_unpacker
    say images.load "$(wc -l <"$SCRATCH/absent" | tr -d ' ')" "$(human "$(number_fact images_bytes)")"
    rm -f "$SCRATCH/unpack-failed"
    {
        case $UNPACKER in
            zstd) zstd -dcq --long="$(number_fact window)" -- "$ARCHIVE" 2>"$SCRATCH/unpack-errors" || : >"$SCRATCH/unpack-failed" ;;
            *) cat -- "$ARCHIVE" 2>"$SCRATCH/unpack-errors" || : >"$SCRATCH/unpack-failed" ;;
        esac
    } | docker load >"$SCRATCH/load-output" 2>&1 || {
        write_log "$(cat "$SCRATCH/load-output")"
        [ ! -f "$SCRATCH/unpack-failed" ] || fail $EXIT_FAILED images.read_failed "$(sed -n 1p "$SCRATCH/unpack-errors")"
        fail $EXIT_FAILED images.load_failed "$(tail -n 3 "$SCRATCH/load-output")"
    }
    [ ! -f "$SCRATCH/unpack-failed" ] || fail $EXIT_FAILED images.read_failed "$(sed -n 1p "$SCRATCH/unpack-errors")"
    images_are_there || fail $EXIT_FAILED images.wrong "$(cut -f 1 "$SCRATCH/absent" | tr '\n' ' ')"
}

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

# check_compact: something here reads the stream, and there is memory for its window
check_compact() {
    is_compact || return 0
    if find_unpacker; then
        # doubled: busybox may be built without powers
        window_bytes=$(awk -v window="$(number_fact window)" 'BEGIN { for (b = 1; window > 0; window--) b *= 2; printf "%.0f", b }')
        free_bytes=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' "$PROBE_ROOT/proc/meminfo")
        if awk -v need="$window_bytes" -v free="${free_bytes:-$window_bytes}" 'BEGIN { exit !(free < need) }'; then
            check unpacking fail "$(human "$free_bytes")" "$(human "$window_bytes")"
        else
            check unpacking pass "$UNPACKER" "$(human "$window_bytes")"
        fi
    else
        check unpacking fail "$(format checks.none)" 'zstd'
    fi
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

# ---- data/parts: the files of a backup, written and read as streams

# store NAME COMMAND...: write the command's output to a file of the backup; both ends must succeed
store() {
    local stored
    stored=$1
    shift
    if [ -z "$ENCRYPT" ]; then
        "$@" >"$PART/$stored" 2>"$SCRATCH/store-errors"
        return
    fi
    rm -f "$SCRATCH/store-whole"
    { "$@" 2>"$SCRATCH/store-errors" && printf '' >"$SCRATCH/store-whole"; } |
        encrypt >"$PART/$stored.enc" 2>"$SCRATCH/crypt-errors" || {
        cat "$SCRATCH/crypt-errors" >>"$SCRATCH/store-errors"
        return 1
    }
    [ -f "$SCRATCH/store-whole" ]
}

# store_or_stop NAME COMMAND...
store_or_stop() {
    store "$@" || {
        blame_scratch
        fail $EXIT_FAILED backup.not_written "$1" "$(tail -n 2 "$SCRATCH/store-errors")"
    }
}

# feed COMMAND...: pass standard input to the command; the rest that it does not read is read here, so that all of it is
# hashed
feed() {
    local feed_code
    "$@" >"$SCRATCH/pour-output" 2>"$SCRATCH/pour-errors"
    feed_code=$?
    cat >/dev/null
    [ "$feed_code" -eq 0 ] && printf '' >"$SCRATCH/pour-taken"
}

# pour_through COMMAND...: pass the file `poured` through `sieve` to the command
pour_through() {
    {
        { tee /proc/self/fd/3 <"$SOURCE/$poured" 3>&1 1>&4 | hash_stream >"$SCRATCH/pour-digest" 4>&-; } 4>&1 2>/dev/null |
            { "$sieve" && printf '' >"$SCRATCH/pour-sieved"; } 2>"$SCRATCH/crypt-errors"
    } | feed "$@"
}

# pour NAME COMMAND...: pass a file of the backup to a command; both ends must succeed, and the data are hashed on the way,
# so they must be what was checked. Errors are in $SCRATCH/pour-errors
pour() {
    local poured sieve wanted
    poured=$1 sieve=cat
    shift
    wanted=$(listed_digest "$poured")
    if [ -z "$wanted" ]; then
        poured=$poured.enc sieve=decrypt
        wanted=$(listed_digest "$poured")
    fi
    rm -f "$SCRATCH/pour-digest" "$SCRATCH/pour-sieved" "$SCRATCH/pour-taken"
    printf '' >"$SCRATCH/pour-errors" || return 1
    printf '%s\n' "$poured" | expect_files "$SOURCE"
    metered restore "$poured" pour_through "$@"
    [ -f "$SCRATCH/pour-taken" ] || return 1
    if [ ! -f "$SCRATCH/pour-sieved" ] || ! is_hex "$(cut -c 1-64 "$SCRATCH/pour-digest" 2>/dev/null)" 64; then
        { cat "$SCRATCH/crypt-errors" && format authentic.unreadable "$SOURCE/$poured"; } >>"$SCRATCH/pour-errors"
        return 1
    fi
    if [ "$(cut -c 1-64 "$SCRATCH/pour-digest")" != "$wanted" ]; then
        format authentic.exchanged "$SOURCE/$poured" >>"$SCRATCH/pour-errors"
        return 1
    fi
}

fail_pouring() { fail $EXIT_FAILED restore.not_read "$1" "$(tail -n 2 "$SCRATCH/pour-errors")"; }

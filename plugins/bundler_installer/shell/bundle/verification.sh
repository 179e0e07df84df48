# ---- bundle/verification: check the signature, then every file, then that there are no other files. Fails closed

# verify_bundle [copy]: the rest of a bundle that was opened: every listed file exists and matches, and there is no other.
# With `copy`, image files that cannot be linked are copied below the root while they are read
verify_bundle() {
    [ -n "$JUDGED" ] || lose_scratch # the mistakes that should have ended this run were lost
    say verify.start "$(human "$(number_fact bundle_bytes)")"
    verify_names
    empty_file "$SCRATCH/copies"
    [ "${1:-}" != copy ] || plan_copies
    verify_digests
    say verify.ok "$TOTAL"
}

# verify_names: the files that exist are exactly those that are listed: regular files, inside this folder
verify_names() {
    local verdict
    find_here "$SCRATCH/special" ! -type f ! -type d
    if [ -s "$SCRATCH/special" ]; then refuse verify.special "$(sed -n 1p "$SCRATCH/special" | show_plain)"; fi
    # a line break in a name would split it in two
    find_here "$SCRATCH/special" \( -name '*[[:cntrl:]]*' -o -name "*$NEWLINE*" \)
    if [ -s "$SCRATCH/special" ]; then refuse verify.special "$(show_plain <"$SCRATCH/special")"; fi
    find_here "$SCRATCH/found-files" -type f
    sed 's|^\./||' "$SCRATCH/found-files" >"$SCRATCH/there" || lose_scratch
    awk "$PROGRAM_BUNDLE_NAMES" "$SCRATCH/signed" "$SCRATCH/there" >"$SCRATCH/names-verdict" || lose_scratch
    IFS= read -r verdict <"$SCRATCH/names-verdict" || lose_scratch
    case $verdict in
        ok) ;;
        'extra '*)
            grep -qxF -e "${verdict#extra }" "$SCRATCH/signed"
            [ $? -eq 1 ] || lose_scratch # the list was not read completely
            refuse verify.extra "$(printf '%s' "${verdict#extra }" | show_plain)"
            ;;
        'missing '*)
            [ ! -f "$HERE/${verdict#missing }" ] || lose_scratch
            refuse verify.missing "$(printf '%s' "${verdict#missing }" | show_plain)"
            ;;
        *) lose_scratch ;;
    esac
}

# find_here FILE TEST...: write the paths that find prints for the bundle to a file of the scratch folder
find_here() {
    local found_file
    found_file=$1
    shift
    (cd -- "$HERE" && find . "$@") >"$found_file" || {
        (cd -- "$HERE" && find .) >/dev/null 2>&1 && lose_scratch
        refuse verify.unreadable "$HERE"
    }
}

# verify_digests: hash every file, in one process per core with an equal share of the bytes. Succeeds only if all of them
# were hashed
verify_digests() {
    local processes group bad hashed pid each count
    processes=$(count_cores) || processes=1
    { is_number "$processes" && [ "$processes" -gt 0 ]; } || processes=1
    deal_sums
    group=1
    while [ "$group" -le "$processes" ]; do
        if [ -f "$SCRATCH/group.$group" ] || [ -f "$SCRATCH/group.$group.copies" ]; then
            hash_group "$SCRATCH/group.$group" &
            HASHING="$HASHING $!"
        fi
        group=$((group + 1))
    done
    start_meter verify ''
    bad='' hashed=0
    for pid in $HASHING; do wait "$pid" || bad=yes; done
    HASHING=''
    stop_meter
    for each in "$SCRATCH"/group.*.count; do
        [ -f "$each" ] || continue
        IFS= read -r count <"$each" || lose_scratch
        is_number "$count" || lose_scratch
        hashed=$((hashed + count))
    done
    if [ -z "$bad" ] && [ "$hashed" -eq "$TOTAL" ]; then return 0; fi
    drop_copies
    [ ! -f "$SCRATCH/disk-full" ] || fail $EXIT_FAILED release.disk "$ROOT"
    for each in "$SCRATCH"/group.*.bad; do
        [ ! -s "$each" ] || refuse verify.changed "$(sed -n 1p "$each" | show_plain)"
    done
    for each in "$SCRATCH"/group.*.unread; do
        [ ! -f "$each" ] || refuse verify.unreadable "$HERE"
    done
    scratch_has_room || lose_scratch
    fail $EXIT_FAILED verify.incomplete
}

# deal_sums: distribute the lines of SHA256SUMS to group.N, and those that are also copied to group.N.copies
deal_sums() {
    { sed 's|^|./|' "$SCRATCH/signed" >"$SCRATCH/signed.names" && tr '\n' '\0' <"$SCRATCH/signed.names" >"$SCRATCH/signed.null"; } || lose_scratch
    if ! (cd -- "$HERE" && xargs -0 stat -c %s) <"$SCRATCH/signed.null" >"$SCRATCH/sizes" 2>/dev/null ||
        [ "$(wc -l <"$SCRATCH/sizes")" -ne "$TOTAL" ]; then
        sed 's/.*/1/' "$SCRATCH/signed" >"$SCRATCH/sizes" || lose_scratch
    fi
    { paste "$SCRATCH/sizes" "$FACTS/SHA256SUMS" >"$SCRATCH/sized" && sort -rn "$SCRATCH/sized" >"$SCRATCH/sorted"; } || lose_scratch
    expect_nothing "$HERE"
    awk -v n="$processes" -v out="$SCRATCH/group." -v copies="$SCRATCH/copies" -v metered="$SCRATCH/metered" \
        "$PROGRAM_BUNDLE_SHARES" "$SCRATCH/sorted" || lose_scratch
}

# hash_group FILE: check the lines of a part of SHA256SUMS, and copy the files in FILE.copies; the number of matches goes to
# FILE.count, the first path that differs to FILE.bad. Runs in the background
hash_group() {
    local count wanted_sums=''
    cd -- "$HERE" || exit 1
    count=0
    if [ -f "$1.copies" ]; then copy_group "$1" || exit 1; fi
    if [ -f "$1" ]; then
        match_sums "$1" "$HERE" || {
            [ $? -ne 3 ] || printf 'unread\n' >"$1.unread"
            exit 1
        }
        count=$((count + wanted_sums))
    fi
    printf '%s\n' "$count" >"$1.count"
}

run_verify() {
    require_tools
    if [ -n "$INSTALLED" ]; then
        fail $EXIT_USAGE verify.installed
    fi
    verify_bundle
}

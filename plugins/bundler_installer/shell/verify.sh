# ---- verify: signature, then every file, then nothing more. Fails closed

# verify_bundle [copy]: with `copy`, image files that cannot be linked to are copied below the root while they are read
verify_bundle() {
    say verify.start "$(human "$(number_fact bundle_bytes)")"
    verify_signature
    verify_names
    : >"$SCRATCH/copies"
    [ "${1:-}" != copy ] || plan_copies
    verify_digests
    say verify.ok "$(wc -l <"$SCRATCH/listed" | tr -d ' ')"
}

refuse() { fail $EXIT_VERIFICATION "$@"; }

verify_signature() {
    SIGNED_BY=''
    for name in SHA256SUMS SHA256SUMS.sig SHA256SUMS.pub; do
        if [ -L "$HERE/$name" ]; then refuse verify.special "$name"; fi
    done
    [ -f "$HERE/SHA256SUMS" ] || refuse verify.no_sums
    if [ ! -f "$HERE/SHA256SUMS.sig" ]; then
        [ -n "$UNSIGNED" ] || refuse verify.unsigned
        warn verify.unsigned_accepted
        return
    fi
    have openssl || refuse tools.missing openssl
    tr -d '\n' <"$HERE/SHA256SUMS.sig" | openssl base64 -d -A >"$SCRATCH/signature" 2>/dev/null ||
        refuse verify.bad_signature "$HERE/SHA256SUMS.sig"
    # base64 has bits that say nothing, where a change would hide: only one text stands for these bytes
    { openssl base64 -A -in "$SCRATCH/signature" && printf '\n'; } | cmp -s - "$HERE/SHA256SUMS.sig" ||
        refuse verify.bad_signature "$HERE/SHA256SUMS.sig"
    choose_key
    check_carried_key
}

# choose_key: the key given, else the pinned one, else one of the host's trusted ones, else ask
choose_key() {
    pinned=$ROOT/state/trusted.pub
    if [ -n "$KEY" ]; then
        [ -f "$KEY" ] || fail $EXIT_USAGE verify.no_key_file "$KEY"
        if [ -f "$pinned" ] && ! same_key "$KEY" "$pinned" && ! accepts signing-key; then
            refuse verify.other_key "$(fingerprint "$KEY")" "$(fingerprint "$pinned")"
        fi
        check_signature "$KEY" || refuse verify.bad_signature "$KEY"
    elif [ -f "$pinned" ]; then
        check_signature "$pinned" || refuse verify.bad_signature "$pinned"
    else
        for trusted in "$TRUSTED_KEYS"/*.pub; do
            [ -f "$trusted" ] || continue
            if check_signature "$trusted"; then return; fi
        done
        [ "${trusted:-}" = "$TRUSTED_KEYS/*.pub" ] || refuse verify.bad_signature "$TRUSTED_KEYS/*.pub"
        ask_for_key
    fi
}

ask_for_key() {
    offered=$HERE/SHA256SUMS.pub
    if [ ! -f "$offered" ] || [ -z "$TERMINAL" ] || [ -n "$YES" ]; then refuse verify.no_key; fi
    ask verify.compare "$(fingerprint "$offered")" || refuse verify.no_key
    check_signature "$offered" || refuse verify.bad_signature "$offered"
}

check_signature() {
    openssl dgst -sha256 -verify "$1" -signature "$SCRATCH/signature" "$HERE/SHA256SUMS" >/dev/null 2>&1 || return 1
    SIGNED_BY=$1
    say verify.signed "$(fingerprint "$1")"
}

# check_carried_key: no checksum covers the carried key, so it must be the one that the signature was checked with
check_carried_key() {
    [ -f "$HERE/SHA256SUMS.pub" ] || return 0
    tr -d '\r' <"$SIGNED_BY" | awk 1 | cmp -s - "$HERE/SHA256SUMS.pub" || refuse verify.carried_key
}

same_key() { [ "$(fingerprint "$1")" = "$(fingerprint "$2")" ]; }

fingerprint() { openssl dgst -sha256 -r "$1" | cut -c 1-64; }

# verify_names: the listed files are the files that are there; regular ones, inside this folder
verify_names() {
    sed -n 's/^[0-9a-f]\{64\}  //p' "$HERE/SHA256SUMS" >"$SCRATCH/listed"
    if [ "$(wc -l <"$HERE/SHA256SUMS")" -ne "$(wc -l <"$SCRATCH/listed")" ]; then refuse verify.bad_sums; fi
    if grep -E '^/|(^|/)\.\.?(/|$)|//' "$SCRATCH/listed" >/dev/null; then refuse verify.bad_sums; fi
    (cd -- "$HERE" && find . ! -type f ! -type d) >"$SCRATCH/special" || refuse verify.unreadable "$HERE"
    if [ -s "$SCRATCH/special" ]; then refuse verify.special "$(sed -n 1p "$SCRATCH/special")"; fi
    (cd -- "$HERE" && find . -type f) | sed 's|^\./||' >"$SCRATCH/there" || refuse verify.unreadable "$HERE"
    { cat "$SCRATCH/listed" && printf '%s\n' SHA256SUMS SHA256SUMS.sig SHA256SUMS.pub; } >"$SCRATCH/allowed"
    extra=$(awk 'NR == FNR { known[$0]; next } !($0 in known) { print; exit }' "$SCRATCH/allowed" "$SCRATCH/there")
    [ -z "$extra" ] || refuse verify.extra "$extra"
    lost=$(awk 'NR == FNR { known[$0]; next } !($0 in known) { print; exit }' "$SCRATCH/there" "$SCRATCH/listed")
    [ -z "$lost" ] || refuse verify.missing "$lost"
}

# verify_digests: hash every file, one process a core, the bytes spread evenly over them
verify_digests() {
    processes=$(count_cores)
    (cd -- "$HERE" && sed 's|^|./|' "$SCRATCH/listed" | tr '\n' '\0' | xargs -0 stat -c %s) >"$SCRATCH/sizes" 2>/dev/null ||
        sed 's/.*/1/' "$SCRATCH/listed" >"$SCRATCH/sizes"
    paste "$SCRATCH/sizes" "$HERE/SHA256SUMS" | sort -rn | awk -v n="$processes" -v out="$SCRATCH/group." -v copies="$SCRATCH/copies" '
        BEGIN { while ((getline line < copies) > 0) copied[line] }
        {
            tab = index($0, "\t"); least = 1
            for (i = 2; i <= n; i++) if (load[i] < load[least]) least = i
            load[least] += $1
            line = substr($0, tab + 1)
            print line > (out least (line in copied ? ".copies" : ""))
        }'
    group=1
    while [ "$group" -le "$processes" ]; do
        if [ -f "$SCRATCH/group.$group" ] || [ -f "$SCRATCH/group.$group.copies" ]; then
            hash_group "$SCRATCH/group.$group" &
            HASHING="$HASHING $!"
        fi
        group=$((group + 1))
    done
    bad=''
    for pid in $HASHING; do wait "$pid" || bad=yes; done
    HASHING=''
    if [ -n "$bad" ]; then
        drop_copies
        [ ! -f "$SCRATCH/disk-full" ] || fail $EXIT_FAILED release.disk "$ROOT"
        refuse verify.changed "$(cat "$SCRATCH"/group.*.bad 2>/dev/null | sed -n 1p)"
    fi
}

# hash_group FILE: check the lines of a part of SHA256SUMS; the first that differs goes to FILE.bad. Those in FILE.copies
# are copied as well
hash_group() {
    (
        cd -- "$HERE" || exit 1
        if [ -f "$1.copies" ]; then copy_group "$1" || exit 1; fi
        [ -f "$1" ] || exit 0
        cut -c 67- "$1" | sed 's|^|./|' | tr '\n' '\0' | hash_files >"$1.found" || {
            format verify.unreadable "$HERE" >"$1.bad"
            exit 1
        }
        # OpenSSL uses the processor's SHA instructions, coreutils do not: four times the speed
        cut -c 1-64 "$1.found" | paste -d ' ' - "$1" | awk -v bad="$1.bad" '
            $1 != $2 { print substr($0, 132) > bad; exit 1 }'
    )
}

# hash_files: hash the files whose names come NUL-separated, in order; the digest begins each line
hash_files() {
    if have openssl; then
        xargs -0 openssl dgst -sha256 -r
    else
        xargs -0 sha256sum
    fi
}

# hash_stream: the digest of standard input begins the line
hash_stream() { if have openssl; then openssl dgst -sha256 -r; else sha256sum; fi; }

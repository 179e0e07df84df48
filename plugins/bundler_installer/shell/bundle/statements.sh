# ---- bundle/statements: statements that a key succeeds another, or that a key is no longer trusted

# limits: bytes of a statement about keys, statements in a bundle, keys in a chain
STATEMENT_BYTES=4096 STATEMENTS=32 CHAIN=16

# gather_statements: read the statements of the site. A damaged one is not skipped, because it may be a revocation
gather_statements() {
    local statement_about='' statement_by='' statement_kind='' statement_name=''
    local file
    for file in "$ROOT"/state/trust/*.rotation "$ROOT"/state/trust/*.revocation \
        "$TRUSTED_KEYS"/*.rotation "$TRUSTED_KEYS"/*.revocation; do
        if [ -e "$file" ] || [ -L "$file" ]; then take_statement "$file"; fi
    done
    set -f
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # word splitting is intended
    set -- $ROTATIONS
    IFS=" $TAB$NEWLINE"
    set +f
    for file in "$@"; do
        [ -f "$file" ] || fail $EXIT_USAGE trust.no_file "$file"
        take_statement "$file"
    done
}

# read_carried_statements: read the statements of the bundle; each names the key that signed it
read_carried_statements() {
    local statement_about='' statement_by='' statement_kind='' statement_name=''
    local count file
    count=0
    for file in "$FACTS"/keys/*.rotation "$FACTS"/keys/*.revocation; do
        [ -f "$file" ] || continue
        count=$((count + 1))
        [ "$count" -le "$STATEMENTS" ] || refuse trust.bad_statement "$HERE/keys"
        take_statement "$file"
    done
}

# take_statement FILE: read it, and add it to the lists; sets statement_kind, statement_by, statement_about and statement_name
take_statement() {
    read_statement "$1" || refuse trust.bad_statement "$1"
    case $statement_kind in
        rotation)
            printf '%s %s\n' "$statement_by" "$statement_about" >>"$TRUST/rotations" || lose_scratch
            ROTATED=$((ROTATED + 1))
            ;;
        revocation)
            printf '%s %s\n' "$statement_about" "$statement_by" >>"$TRUST/revocations" || lose_scratch
            REVOKED=$((REVOKED + 1))
            ;;
    esac
    cp -- "$TRUST/statement" "$TRUST/sound/$statement_name" || lose_scratch
}

# read_statement FILE: sets statement_kind, statement_by, statement_about and statement_name: rotation or revocation, the
# signing key, the key that succeeds or is revoked, and the file's name. A statement has exactly one form: it is written
# again and compared
read_statement() {
    local statement_date statement_signature about keys=''
    head -c $((STATEMENT_BYTES + 1)) <"$1" >"$TRUST/statement" 2>/dev/null || return 1
    [ "$(wc -c <"$TRUST/statement")" -le "$STATEMENT_BYTES" ] || return 1
    statement_kind=$(sed -n '1s/^bundle-\([a-z]*\) 1$/\1/p' "$TRUST/statement")
    statement_date=$(sed -n '4s/^date //p' "$TRUST/statement")
    case $statement_date in [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;; *) return 1 ;; esac
    statement_signature=$(sed -n '$s/^signature //p' "$TRUST/statement")
    load_keys "$TRUST/statement" || return 1
    # shellcheck disable=SC2086 # word splitting is intended
    set -- $keys
    statement_by=$1
    case $statement_kind:$# in
        rotation:2)
            statement_about=$2 about="from $1${NEWLINE}to $2"
            statement_name=$(name_statement "$1" "$2").rotation
            ;;
        revocation:1)
            statement_about=$(sed -n '2s/^revoked //p' "$TRUST/statement")
            is_digest "$statement_about" || return 1
            about="revoked $statement_about${NEWLINE}by $1"
            statement_name=$(name_statement "$statement_about" "$1").revocation
            ;;
        *) return 1 ;;
    esac
    join_keys "$keys" "$TRUST/stated" || return 1
    { printf 'bundle-%s 1\n%s\ndate %s\n' "$statement_kind" "$about" "$statement_date" && cat "$TRUST/stated"; } >"$TRUST/payload" ||
        return 1
    { cat "$TRUST/payload" && printf 'signature %s\n' "$statement_signature"; } >"$TRUST/again" || return 1
    twice cmp -s "$TRUST/again" "$TRUST/statement" || return 1
    decode_signature "$statement_signature" "$TRUST/statement.sig" || return 1
    is_signed_by "$TRUST/payload" "$TRUST/statement.sig" "$statement_by"
}

name_statement() { printf '%.16s-%.16s' "$1" "$2"; }

# keep_statements: keep all valid statements; a revocation holds from now on
keep_statements() {
    local file kept
    for file in "$TRUST"/sound/*; do
        [ -f "$file" ] || continue
        kept=$ROOT/state/trust/${file##*/}
        if cmp -s "$file" "$kept"; then continue; fi
        { mkdir -p "$ROOT/state/trust" && chmod 700 "$ROOT/state/trust" && cp -- "$file" "$kept.new" && mv -f "$kept.new" "$kept"; } ||
            fail $EXIT_FAILED release.disk "$ROOT"
    done
}

# ---- bundle/trust: the command `trust`: accept a statement, or show what this site trusts

run_trust() {
    require_tools
    have openssl || fail $EXIT_FAILED tools.missing openssl
    open_trust
    if [ -n "$WORDS" ]; then add_statement "$WORDS"; else show show_trust; fi
}

# add_statement FILE: only if it concerns this site and its signer is entitled to make it
add_statement() {
    local relation statement_about='' statement_by='' statement_kind='' statement_name=''
    [ -f "$1" ] || fail $EXIT_USAGE trust.no_file "$1"
    [ -d "$ROOT/state" ] || fail $EXIT_FAILED trust.none "$ROOT" "$TRUSTED_KEYS"
    take_lock
    gather_statements
    list_known_keys
    take_statement "$1"
    relation=$(relate_statement) || lose_scratch
    case $statement_kind:$relation in
        rotation:known | revocation:right) ;;
        rotation:revoked) refuse trust.revoked "$statement_by" ;;
        rotation:forked) refuse trust.forked "$statement_by" ;;
        rotation:*) refuse trust.unrelated "$statement_by" ;;
        *) refuse trust.no_right "$statement_by" "$statement_about" ;;
    esac
    keep_statements
    say "trust.took_$statement_kind" "$statement_by" "$statement_about"
}

# list_known_keys: write the pinned keys and those that the host trusts to $TRUST/known: lines `where fingerprint`
list_known_keys() {
    local file each keys=''
    empty_file "$TRUST/known"
    for file in "$ROOT/state/trusted.pub" "$TRUSTED_KEYS"/*.pub; do
        [ -f "$file" ] || continue
        load_keys "$file" || refuse trust.not_a_key "$file"
        for each in $keys; do printf '%s %s\n' "$each" "$file" >>"$TRUST/known" || lose_scratch; done
    done
}

# relate_statement: how the statement just read relates to the known keys
relate_statement() {
    cd -- "$TRUST" && awk -v limit="$CHAIN" -v kind="$statement_kind" -v by="$statement_by" -v about="$statement_about" "$PROGRAM_BUNDLE_CHAINS$PROGRAM_BUNDLE_RELATION" rotations revocations known
}

show_trust() {
    local fingerprint file line old new revoked by
    gather_statements
    list_known_keys
    while read -r fingerprint file; do
        if [ "$file" = "$ROOT/state/trusted.pub" ]; then say trust.pinned "$fingerprint"; else say trust.trusted "$fingerprint" "$file"; fi
    done <"$TRUST/known"
    [ -s "$TRUST/known" ] || say trust.nobody
    if [ -e "$TRUSTED_KEYS/policy" ]; then
        read_policy
        sed '$d' "$TRUST/policy" >"$TRUST/policy-lines" || lose_scratch
        while IFS= read -r line; do say trust.policy "$line"; done <"$TRUST/policy-lines"
    fi
    while read -r old new; do say trust.rotation "$old" "$new"; done <"$TRUST/rotations"
    while read -r revoked by; do say trust.revocation "$revoked" "$by"; done <"$TRUST/revocations"
}

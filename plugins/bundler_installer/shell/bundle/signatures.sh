# ---- bundle/signatures: enough signatures are valid and made by keys that this site trusts. What cannot be checked is
# refused; a full scratch folder is reported as such

# verify_signature: every signature is valid, and enough of them are by trusted keys. Sets SIGNED_BY to the keys that later
# bundles must be signed by; it is empty if a command only inspects a bundle of an unknown publisher
verify_signature() {
    local wanted=''
    SIGNED_BY=''
    # this command uses only the bundle's name, and must run even if the bundle's key is not trusted yet
    [ "$COMMAND" != trust ] || return 0
    if [ ! -f "$FACTS/SHA256SUMS.sig" ]; then
        if [ -n "$UNSIGNED" ]; then
            warn verify.unsigned_accepted
            return
        fi
        is_lenient || refuse verify.unsigned
        doubt verify.unsigned_look
        return
    fi
    have openssl || refuse tools.missing openssl
    open_trust
    list_demands
    if [ ! -s "$TRUST/demands" ] && is_lenient; then
        doubt verify.unknown_maker
        return
    fi
    read_signatures
    gather_statements
    read_carried_statements
    [ -s "$TRUST/demands" ] || ask_for_keys
    judge_signers
}

open_trust() {
    local list
    TRUST=$SCRATCH/trust
    { rm -rf "$TRUST" && mkdir "$TRUST" "$TRUST/sound"; } || lose_scratch
    for list in signers rotations revocations demands; do empty_file "$TRUST/$list"; done
    SIGNERS=0 ROTATED=0 REVOKED=0 DEMANDS=0
}

# read_signatures: the signature by each carried key is on the line of the same number; $TRUST/signers lists the keys
read_signatures() {
    local line signer keys=''
    [ -f "$FACTS/SHA256SUMS.pub" ] || refuse trust.no_carried_key
    load_keys "$FACTS/SHA256SUMS.pub" || refuse verify.carried_key
    # keys and signatures are not covered by a checksum, so each has exactly one valid form
    join_keys "$keys" "$TRUST/carried" || lose_scratch
    twice cmp -s "$TRUST/carried" "$FACTS/SHA256SUMS.pub" || refuse verify.carried_key
    empty_file "$TRUST/lines"
    # shellcheck disable=SC2086 # word splitting is intended
    set -- $keys
    while IFS= read -r line; do
        [ $# -gt 0 ] || refuse verify.carried_key
        signer=$1
        shift
        printf '%s\n' "$line" >>"$TRUST/lines" || lose_scratch
        twice decode_signature "$line" "$TRUST/signature" || refuse verify.bad_signature "$wanted"
        twice is_signed_by "$FACTS/SHA256SUMS" "$TRUST/signature" "$signer" || refuse_signature
        printf '%s\n' "$signer" >>"$TRUST/signers" || lose_scratch
        SIGNERS=$((SIGNERS + 1))
    done <"$FACTS/SHA256SUMS.sig"
    twice cmp -s "$TRUST/lines" "$FACTS/SHA256SUMS.sig" || refuse verify.bad_signature "$wanted"
    [ $# -eq 0 ] || refuse verify.carried_key
}

# refuse_signature: it is not by the carried key; if it is by a trusted key, only the carried key was changed
refuse_signature() {
    local believed each
    while read -r _ _ believed; do
        for each in $believed; do
            if is_signed_by "$FACTS/SHA256SUMS" "$TRUST/signature" "$each"; then refuse verify.carried_key; fi
        done
    done <"$TRUST/demands"
    refuse verify.bad_signature "$wanted"
}

# list_demands: sets `wanted`, the file that determines whose signatures are required; writes lines `why number
# fingerprint...` to $TRUST/demands: that many of these keys must have signed. The sources are a policy of the site, or else
# all pinned keys; in addition the keys given on the command line; if there are none of these, those that the host trusts
list_demands() {
    local pinned keys=''
    pinned=$ROOT/state/trusted.pub wanted=SHA256SUMS.pub
    if [ -e "$TRUSTED_KEYS/policy" ] || [ -L "$TRUSTED_KEYS/policy" ]; then
        wanted=$TRUSTED_KEYS/policy
        read_policy
    elif [ -f "$pinned" ] && { [ -z "$KEY" ] || ! accepts signing-key; }; then
        wanted=$pinned
        load_keys "$pinned" || refuse trust.not_a_key "$pinned"
        demand pinned all "$keys"
    fi
    if [ -n "$KEY" ]; then
        list_given_keys
    elif [ -n "$REQUIRE" ] && [ -s "$TRUST/demands" ]; then
        fail $EXIT_USAGE trust.require_key "$wanted"
    elif [ ! -s "$TRUST/demands" ]; then
        list_trusted_keys
    fi
    if [ -s "$TRUST/demands" ] || is_lenient; then return 0; fi
    if [ ! -f "$FACTS/SHA256SUMS.pub" ] || [ -z "$TERMINAL" ] || [ -n "$YES" ]; then refuse verify.no_key; fi
}

# demand WHY NUMBER|all FINGERPRINTS
demand() {
    local distinct each why number
    distinct=''
    for each in $3; do
        case " $distinct " in *" $each "*) ;; *) distinct="$distinct${distinct:+ }$each" ;; esac
    done
    # shellcheck disable=SC2086 # word splitting is intended
    set -- "$1" "$2" $distinct
    why=$1 number=$2
    shift 2
    [ "$number" != all ] || number=$#
    [ $# -gt 0 ] || refuse verify.no_key
    [ "$number" -le $# ] || fail $EXIT_USAGE trust.require "$number" "$#"
    printf '%s\n' "$why $number $*" >>"$TRUST/demands" || lose_scratch
    DEMANDS=$((DEMANDS + 1))
}

# list_given_keys: the keys of --key; sets `wanted`
list_given_keys() {
    local given file keys=''
    given='' wanted=$KEY
    set -f
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # word splitting is intended
    set -- $KEY
    IFS=" $TAB$NEWLINE"
    set +f
    for file in "$@"; do
        [ -f "$file" ] || fail $EXIT_USAGE verify.no_key_file "$file"
        load_keys "$file" || refuse trust.not_a_key "$file"
        given="$given $keys"
    done
    demand key "${REQUIRE:-1}" "$given"
}

# list_trusted_keys: the keys of this server; sets `wanted`
list_trusted_keys() {
    local given file keys=''
    given=''
    for file in "$TRUSTED_KEYS"/*.pub; do
        [ -f "$file" ] || continue
        wanted="$TRUSTED_KEYS/*.pub"
        if load_keys "$file"; then given="$given $keys"; else warn trust.not_a_key "$file"; fi
    done
    if [ -n "$given" ]; then
        demand trusted "${REQUIRE:-1}" "$given"
    elif [ "$wanted" != SHA256SUMS.pub ]; then
        refuse verify.bad_signature "$wanted"
    fi
}

# read_policy: lines `require N of NAME...`, with NAME.pub in the same folder; a comment line begins with `#`. With any other
# line the policy is invalid, and no key is trusted
read_policy() {
    local broken complete first number names
    awk "$PROGRAM_BUNDLE_POLICY" "$TRUSTED_KEYS/policy" >"$TRUST/policy" 2>/dev/null ||
        refuse trust.policy_broken "$TRUSTED_KEYS/policy" 1
    broken=$(sed -n 's/^broken //p' "$TRUST/policy" | sed -n 1p)
    [ -z "$broken" ] || refuse trust.policy_broken "$TRUSTED_KEYS/policy" "$broken"
    complete=''
    while read -r first number _ names; do
        case $first in
            end) complete=yes ;;
            require) demand_policy ;;
        esac
    done <"$TRUST/policy"
    [ -n "$complete" ] || lose_scratch
}

# demand_policy: add the demands of a line of the policy
demand_policy() {
    local given name keys=''
    given=''
    for name in $names; do
        load_keys "$TRUSTED_KEYS/$name.pub" || refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub"
        case " $given " in *" $keys "*) refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub" ;; esac
        case $keys in *' '*) refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub" ;; esac
        given="$given${given:+ }$keys"
    done
    demand policy "$number" "$given"
}

# ask_for_keys: trust the carried keys after the operator compared them
ask_for_keys() {
    local given
    given=$(tr '\n' ' ' <"$TRUST/signers")
    ask verify.compare "$given" || refuse verify.no_key
    demand asked all "$given"
}

# judge_signers: sets SIGNED_BY to a file with the keys that later releases must be signed by
judge_signers() {
    local what why anchor signer each
    compare_keys >"$TRUST/verdict" || refuse verify.bad_signature "$wanted"
    # an incomplete result must not count as a verdict
    grep "^end $SIGNERS $ROTATED $REVOKED $DEMANDS\$" "$TRUST/verdict" >/dev/null || lose_scratch
    explain_refusal
    while read -r what why anchor signer; do
        [ "$what" = counts ] || continue
        printf '%s %s\n' "$why" "$signer" >>"$TRUST/counted" || lose_scratch
        if ! grep " $signer\$" "$TRUST/told" >/dev/null 2>&1; then
            printf '%s\n' "told $signer" >>"$TRUST/told" || lose_scratch
            say verify.signed "$signer"
            [ "$anchor" = "$signer" ] || say trust.followed "$anchor" "$signer"
        fi
    done <"$TRUST/verdict"
    for why in policy pinned key trusted asked; do
        if grep "^$why " "$TRUST/counted" >"$TRUST/pinning"; then break; fi
    done
    join_keys "$(cut -d ' ' -f 2 "$TRUST/pinning" | awk '!seen[$0]++')" "$SCRATCH/signed-by" || lose_scratch
    [ -s "$SCRATCH/signed-by" ] || lose_scratch
    SIGNED_BY=$SCRATCH/signed-by
    for each in "$TRUST"/*; do [ ! -f "$each" ] || rm -f "$each"; done # free space for what follows
}

# explain_refusal: end the run if a demand is not met
explain_refusal() {
    local why lacking revoked forked
    for why in policy key pinned trusted asked; do
        lacking=$(awk -v why="$why" '$1 == "demand" && $2 == why && $4 < $3 { print $3, $5, $4; exit }' "$TRUST/verdict")
        [ -z "$lacking" ] || break
    done
    [ -n "$lacking" ] || return 0
    revoked=$(sed -n 's/^revoked //p' "$TRUST/verdict" | sed -n 1p)
    [ -z "$revoked" ] || refuse trust.revoked "$revoked"
    forked=$(sed -n 's/^forked //p' "$TRUST/verdict" | sed -n 1p)
    [ -z "$forked" ] || refuse trust.forked "$forked"
    if [ "$why" = pinned ] && [ -n "$KEY" ]; then
        refuse verify.other_key "$(awk '{ printf "%s%s", NR > 1 ? " " : "", $0 }' "$TRUST/signers")" \
            "$(sed -n 's/^pinned [0-9]* //p' "$TRUST/demands")"
    fi
    # shellcheck disable=SC2086 # word splitting is intended
    set -- $lacking
    if [ "$1" = 1 ] && [ "$why" != policy ]; then refuse verify.bad_signature "$wanted"; fi
    refuse trust.too_few "$wanted" "$1" "$2" "$3"
}

# compare_keys: evaluate the lists in $TRUST, and print lines:
#   counts WHY ANCHOR SIGNER             a signer that is the anchor or a successor of it; each signer and anchor counts once
#   demand WHY NUMBER FOUND ANCHORS
#   revoked KEY, forked KEY              among signers and anchors
# A key may revoke itself and the keys that precede it. A chain ends at a revoked key, and at a key with two successors
compare_keys() {
    (cd -- "$TRUST" && awk -v limit="$CHAIN" "$PROGRAM_BUNDLE_CHAINS$PROGRAM_BUNDLE_SIGNERS" rotations revocations signers demands)
}

# pin_key: later bundles must be signed by the same keys, or by their successors
pin_key() {
    [ -n "${SIGNED_BY:-}" ] || return 0
    keep_statements
    if cmp -s "$SIGNED_BY" "$ROOT/state/trusted.pub"; then return 0; fi
    { cp -- "$SIGNED_BY" "$ROOT/state/trusted.new" && mv -f "$ROOT/state/trusted.new" "$ROOT/state/trusted.pub"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
}

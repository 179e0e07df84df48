# ---- trust: signatures, the keys that made them, and which of those this site believes. openssl 1.0.2 will do. What cannot
# be checked is refused; a scratch folder that is full is called that

# SubjectPublicKeyInfo of P-256 with an uncompressed point, up to the point: RFC 5480
P256=3059301306072a8648ce3d020106082a8648ce3d03010703420004
# half of the order of P-256: of the two values of s that are valid, only the lower is accepted
HALF_ORDER=7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8
# bytes of a statement about keys, statements that a bundle may carry, and keys that a chain may have
STATEMENT_BYTES=4096 STATEMENTS=32 CHAIN=16

# verify_signature: every signature is good, and enough of them are by keys that this site believes. Sets SIGNED_BY to the
# keys that later bundles must be signed by; nothing where a command only looks at a bundle whose maker nobody knows
verify_signature() {
    SIGNED_BY=''
    # this one uses nothing of the bundle but its name, and must run where the bundle's key is not believed yet
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
    TRUST=$SCRATCH/trust
    { rm -rf "$TRUST" && mkdir "$TRUST" "$TRUST/sound"; } || lose_scratch
    for list in signers rotations revocations demands; do empty_file "$TRUST/$list"; done
    SIGNERS=0 ROTATED=0 REVOKED=0 DEMANDS=0
}

# ---- keys

# load_keys FILE: read_keys, twice
load_keys() { twice read_keys "$1"; }

# read_keys FILE: sets `keys` to the fingerprints of the public keys in a file, PEM or DER, and leaves each in
# $TRUST/<fingerprint>.pem. Fails where there is none, or one that is not ECDSA on P-256
read_keys() {
    keys=''
    rm -f "$TRUST"/block.*
    blocks=$(tr -d '\r' <"$1" 2>/dev/null | awk -v out="$TRUST/block." '
        /^-----BEGIN PUBLIC KEY-----[ \t]*$/ { n++; inside = 1 }
        inside { print >(out n) }
        /^-----END PUBLIC KEY-----/ { inside = 0 }
        END { print n + 0 }') || return 1
    is_number "$blocks" || return 1
    if [ "$blocks" -eq 0 ]; then
        cat <"$1" >"$TRUST/block.1" 2>/dev/null || return 1
        blocks=1
    fi
    [ "$blocks" -le 32 ] || return 1
    block=1
    while [ "$block" -le "$blocks" ]; do
        read_key "$TRUST/block.$block" || return 1
        keys="$keys${keys:+ }$key"
        block=$((block + 1))
    done
}

# read_key FILE: the same, of a file with one key; sets `key`. A key is its DER, whatever text it came in
read_key() {
    der=$TRUST/key.der
    openssl pkey -pubin -in "$1" -outform DER -out "$der" >/dev/null 2>&1 ||
        openssl pkey -pubin -inform DER -in "$1" -outform DER -out "$der" >/dev/null 2>&1 || return 1
    point=$(od -An -v -tx1 "$der" | tr -d ' \n')
    point=${point#"$P256"}
    [ "${#point}" -eq 128 ] || return 1
    key=$(openssl dgst -sha256 -r "$der" 2>/dev/null) || return 1
    key=${key%% *}
    is_digest "$key" || return 1
    openssl pkey -pubin -inform DER -in "$der" -out "$TRUST/$key.pem" >/dev/null 2>&1
}

# join_keys FINGERPRINTS FILE: as PEM
join_keys() {
    printf '' >"$2" || return 1
    for each in $1; do cat "$TRUST/$each.pem" >>"$2" || return 1; done
}

is_digest() { case $1 in *[!0-9a-f]*) return 1 ;; esac; [ "${#1}" -eq 64 ]; }

# ---- signatures

# read_signatures: each carried key has the signature on its own line; $TRUST/signers lists them
read_signatures() {
    [ -f "$FACTS/SHA256SUMS.pub" ] || refuse trust.no_carried_key
    load_keys "$FACTS/SHA256SUMS.pub" || refuse verify.carried_key
    # no checksum covers keys and signatures: both have one form only
    join_keys "$keys" "$TRUST/carried" || lose_scratch
    twice cmp -s "$TRUST/carried" "$FACTS/SHA256SUMS.pub" || refuse verify.carried_key
    empty_file "$TRUST/lines"
    # shellcheck disable=SC2086 # splitting is wanted
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

# refuse_signature: not by the carried key; where it is by one that is believed, only the carried key was changed
refuse_signature() {
    while read -r _ _ believed; do
        for each in $believed; do
            if is_signed_by "$FACTS/SHA256SUMS" "$TRUST/signature" "$each"; then refuse verify.carried_key; fi
        done
    done <"$TRUST/demands"
    refuse verify.bad_signature "$wanted"
}

# decode_signature TEXT FILE: base64 has bits that say nothing, where a change would hide: only one text stands for these bytes
decode_signature() {
    printf '%s' "$1" | openssl base64 -d -A >"$2" 2>/dev/null || return 1
    [ -n "$1" ] && [ "$(openssl base64 -A -in "$2" 2>/dev/null)" = "$1" ]
}

# is_signed_by FILE SIGNATURE FINGERPRINT
is_signed_by() {
    is_canonical "$2" && openssl dgst -sha256 -verify "$TRUST/$3.pem" -signature "$2" "$1" >/dev/null 2>&1
}

# is_canonical SIGNATURE: in DER, and with the lower s; there is no other signature like it that needs no key
is_canonical() {
    od -An -v -tx1 "$1" | tr -d ' \n' | awk -v half="$HALF_ORDER" '
        function byte(i) { return (index(digits, substr(t, i, 1)) - 1) * 16 + index(digits, substr(t, i + 1, 1)) - 1 }
        function integer(  n, v) {
            if (substr(t, at, 2) != "02") return ""
            n = byte(at + 2); v = substr(t, at + 4, 2 * n); at += 4 + 2 * n
            if (n < 1 || length(v) != 2 * n || v ~ /^[89a-f]/ || (n > 1 && v ~ /^00[0-7]/)) return ""
            sub(/^00/, "", v)
            return v == "" || length(v) > 64 ? "" : v
        }
        {
            digits = "0123456789abcdef"; t = $0; at = 5
            if (substr(t, 1, 2) != "30" || byte(3) * 2 + 4 != length(t)) exit
            r = integer(); s = integer()
            if (r == "" || s == "" || at != length(t) + 1) exit
            while (length(s) < 64) s = "0" s
            good = ("x" s) <= ("x" half)
        }
        END { exit !good }'
}

# ---- whom this site believes

# list_demands: lines `why number fingerprint...` in $TRUST/demands: so many of these keys must have signed. A policy of the
# site, else the pinned keys, all of them; besides, the keys given; where there are none of these, those that the host trusts
list_demands() {
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
    distinct=''
    for each in $3; do
        case " $distinct " in *" $each "*) ;; *) distinct="$distinct${distinct:+ }$each" ;; esac
    done
    # shellcheck disable=SC2086 # splitting is wanted
    set -- "$1" "$2" $distinct
    why=$1 number=$2
    shift 2
    [ "$number" != all ] || number=$#
    [ $# -gt 0 ] || refuse verify.no_key
    [ "$number" -le $# ] || fail $EXIT_USAGE trust.require "$number" "$#"
    printf '%s\n' "$why $number $*" >>"$TRUST/demands" || lose_scratch
    DEMANDS=$((DEMANDS + 1))
}

list_given_keys() {
    given='' wanted=$KEY
    set -f
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # splitting is wanted
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

list_trusted_keys() {
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

# read_policy: lines `require N of NAME...`, where NAME.pub lies beside it; `#` begins a comment line. Whatever else stands
# there, the policy is broken, and nothing is believed
read_policy() {
    awk '
        /^#/ || /^[ \t]*$/ { next }
        {
            ok = NF >= 4 && $1 == "require" && $2 ~ /^[1-9][0-9]?$/ && $3 == "of" && $2 + 3 <= NF
            for (i = 4; i <= NF; i++) if ($i !~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/) ok = 0
            if (!ok) { print "broken " NR; bad = 1; exit }
            print; found++
        }
        END {
            if (bad) exit
            if (found) print "end"; else print "broken " (NR + 1)
        }' "$TRUSTED_KEYS/policy" >"$TRUST/policy" 2>/dev/null ||
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

# demand_policy: what a line of the policy asks for
demand_policy() {
    given=''
    for name in $names; do
        load_keys "$TRUSTED_KEYS/$name.pub" || refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub"
        case " $given " in *" $keys "*) refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub" ;; esac
        case $keys in *' '*) refuse trust.policy_key "$TRUSTED_KEYS/policy" "$name.pub" ;; esac
        given="$given${given:+ }$keys"
    done
    demand policy "$number" "$given"
}

# ask_for_keys: the carried keys, after somebody compared them
ask_for_keys() {
    given=$(tr '\n' ' ' <"$TRUST/signers")
    ask verify.compare "$given" || refuse verify.no_key
    demand asked all "$given"
}

# judge_signers: sets SIGNED_BY to a file with the keys that later releases must be signed by
judge_signers() {
    compare_keys >"$TRUST/verdict" || refuse verify.bad_signature "$wanted"
    # whoever reads less than was written has not judged
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
    for each in "$TRUST"/*; do [ ! -f "$each" ] || rm -f "$each"; done # room for what follows
}

# explain_refusal: where a demand is not met
explain_refusal() {
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
    # shellcheck disable=SC2086 # splitting is wanted
    set -- $lacking
    if [ "$1" = 1 ] && [ "$why" != policy ]; then refuse verify.bad_signature "$wanted"; fi
    refuse trust.too_few "$wanted" "$1" "$2" "$3"
}

# compare_keys: what the lists in $TRUST come to, in lines:
#   counts WHY ANCHOR SIGNER             a signer that is the anchor, or follows it; one a signer, one an anchor
#   demand WHY NUMBER FOUND ANCHORS
#   revoked KEY, forked KEY              of signers and anchors
# A key may revoke itself and those that it follows. A revoked key ends a chain, and so does one that two keys follow
compare_keys() {
    (cd -- "$TRUST" && awk -v limit="$CHAIN" "$JUDGE"'
        FILENAME == "signers" { signers++; signer[$1]; next }
        FILENAME == "demands" { line[++demands] = $0; next }
        END {
            find_revoked()
            for (d = 1; d <= demands; d++) {
                n = split(line[d], word, " "); found = 0
                split("", used)
                for (i = 3; i <= n; i++) {
                    if (word[i] in revoked) print "revoked " word[i]
                    length_of_chain = follow(word[i])
                    for (k = 1; k <= length_of_chain; k++)
                        if (chain[k] in signer && !(chain[k] in used)) {
                            used[chain[k]]; found++
                            print "counts " word[1] " " word[i] " " chain[k]
                            break
                        }
                }
                print "demand " word[1] " " word[2] " " found " " (n - 2)
            }
            for (each in signer) if (each in revoked) print "revoked " each
            print "end " (signers + 0) " " (rotated + 0) " " (revoking + 0) " " (demands + 0)
        }' rotations revocations signers demands)
}

# what compare_keys and the command trust have in common
# shellcheck disable=SC2016 # awk's variables
JUDGE='
    FILENAME == "rotations" {
        rotated++
        if (!(($1, $2) in rotation)) { rotation[$1, $2]; following[$1]++; successor[$1] = $2 }
        next
    }
    FILENAME == "revocations" { revoking++; revocation[$1, $2]; next }
    function find_revoked(  pair, part) {
        for (pair in revocation) {
            split(pair, part, SUBSEP)
            if (part[1] == part[2] || follows(part[2], part[1])) revoked[part[1]]
        }
    }
    function follows(key, old,  more, pair, part, reached) {
        reached[old]
        do {
            more = 0
            for (pair in rotation) {
                split(pair, part, SUBSEP)
                if (part[1] in reached && !(part[2] in reached)) { reached[part[2]]; more = 1 }
            }
        } while (more)
        return key in reached
    }
    function follow(key,  n, seen) {
        n = 0
        while (n < limit && !(key in seen) && !(key in revoked)) {
            seen[key]; chain[++n] = key
            if (following[key] > 1) print "forked " key
            if (following[key] != 1) break
            key = successor[key]
        }
        return n
    }
'

# ---- statements: that a key follows another, that a key is not to be trusted any more

# gather_statements: those of the site. One that is damaged is not passed over: it may be a revocation
gather_statements() {
    for file in "$ROOT"/state/trust/*.rotation "$ROOT"/state/trust/*.revocation \
        "$TRUSTED_KEYS"/*.rotation "$TRUSTED_KEYS"/*.revocation; do
        if [ -e "$file" ] || [ -L "$file" ]; then take_statement "$file"; fi
    done
    set -f
    IFS=$NEWLINE
    # shellcheck disable=SC2086 # splitting is wanted
    set -- $ROTATIONS
    IFS=" $TAB$NEWLINE"
    set +f
    for file in "$@"; do
        [ -f "$file" ] || fail $EXIT_USAGE trust.no_file "$file"
        take_statement "$file"
    done
}

# read_carried_statements: the bundle's own; each says who signed it
read_carried_statements() {
    count=0
    for file in "$FACTS"/keys/*.rotation "$FACTS"/keys/*.revocation; do
        [ -f "$file" ] || continue
        count=$((count + 1))
        [ "$count" -le "$STATEMENTS" ] || refuse trust.bad_statement "$HERE/keys"
        take_statement "$file"
    done
}

# take_statement FILE: read it, and count on it
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

# read_statement FILE: sets statement_kind (rotation, revocation), statement_by (who signs), statement_about (the key that
# follows, or is revoked), statement_name. It has one form only: it is written again and compared
read_statement() {
    head -c $((STATEMENT_BYTES + 1)) <"$1" >"$TRUST/statement" 2>/dev/null || return 1
    [ "$(wc -c <"$TRUST/statement")" -le "$STATEMENT_BYTES" ] || return 1
    statement_kind=$(sed -n '1s/^bundle-\([a-z]*\) 1$/\1/p' "$TRUST/statement")
    statement_date=$(sed -n '4s/^date //p' "$TRUST/statement")
    case $statement_date in [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;; *) return 1 ;; esac
    statement_signature=$(sed -n '$s/^signature //p' "$TRUST/statement")
    load_keys "$TRUST/statement" || return 1
    # shellcheck disable=SC2086 # splitting is wanted
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

# ---- what stays at the site

# pin_key: later bundles must be signed by the same keys, or by those that follow them
pin_key() {
    [ -n "${SIGNED_BY:-}" ] || return 0
    keep_statements
    if cmp -s "$SIGNED_BY" "$ROOT/state/trusted.pub"; then return 0; fi
    { cp -- "$SIGNED_BY" "$ROOT/state/trusted.new" && mv -f "$ROOT/state/trusted.new" "$ROOT/state/trusted.pub"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
}

# keep_statements: whatever was sound; a revocation holds from now on
keep_statements() {
    for file in "$TRUST"/sound/*; do
        [ -f "$file" ] || continue
        kept=$ROOT/state/trust/${file##*/}
        if cmp -s "$file" "$kept"; then continue; fi
        { mkdir -p "$ROOT/state/trust" && chmod 700 "$ROOT/state/trust" && cp -- "$file" "$kept.new" && mv -f "$kept.new" "$kept"; } ||
            fail $EXIT_FAILED release.disk "$ROOT"
    done
}

# ---- the command trust

run_trust() {
    require_tools
    have openssl || fail $EXIT_FAILED tools.missing openssl
    open_trust
    if [ -n "$WORDS" ]; then add_statement "$WORDS"; else show_trust; fi
}

# add_statement FILE: only what this site has a use for, and what its signer may say
add_statement() {
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

# list_known_keys: the pinned keys and those that the host trusts, in $TRUST/known: lines `where fingerprint`
list_known_keys() {
    empty_file "$TRUST/known"
    for file in "$ROOT/state/trusted.pub" "$TRUSTED_KEYS"/*.pub; do
        [ -f "$file" ] || continue
        load_keys "$file" || refuse trust.not_a_key "$file"
        for each in $keys; do printf '%s %s\n' "$each" "$file" >>"$TRUST/known" || lose_scratch; done
    done
}

# relate_statement: how the statement just taken relates to what is known
relate_statement() {
    cd -- "$TRUST" && awk -v limit="$CHAIN" -v kind="$statement_kind" -v by="$statement_by" -v about="$statement_about" "$JUDGE"'
        FILENAME == "known" { known[$1]; next }
        END {
            find_revoked()
            if (kind == "revocation") { print ((by == about || follows(by, about)) ? "right" : "none"); exit }
            if (by in revoked) { print "revoked"; exit }
            if (following[by] > 1) { print "forked"; exit }
            for (each in known) if (follows(by, each)) { print "known"; exit }
            print "none"
        }' rotations revocations known
}

show_trust() {
    gather_statements
    list_known_keys
    while read -r fingerprint file; do
        if [ "$file" = "$ROOT/state/trusted.pub" ]; then say trust.pinned "$fingerprint"; else say trust.trusted "$fingerprint" "$file"; fi
    done <"$TRUST/known"
    [ -s "$TRUST/known" ] || say trust.nobody
    if [ -e "$TRUSTED_KEYS/policy" ]; then
        read_policy
        sed '$d' "$TRUST/policy" >"$TRUST/shown" || lose_scratch
        while IFS= read -r line; do say trust.policy "$line"; done <"$TRUST/shown"
    fi
    while read -r old new; do say trust.rotation "$old" "$new"; done <"$TRUST/rotations"
    while read -r revoked by; do say trust.revocation "$revoked" "$by"; done <"$TRUST/revocations"
}

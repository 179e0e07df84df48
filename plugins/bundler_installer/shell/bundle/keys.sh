# ---- bundle/keys: public keys and their signatures. Works with openssl 1.0.2

# SubjectPublicKeyInfo of P-256 with an uncompressed point, up to the point: RFC 5480
P256=3059301306072a8648ce3d020106082a8648ce3d03010703420004
# half of the order of P-256: of the two valid values of s, only the lower is accepted
HALF_ORDER=7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8

# load_keys FILE: read_keys with a second attempt; sets `keys`
load_keys() { twice read_keys "$1"; }

# read_keys FILE: sets `keys` to the fingerprints of the public keys in a file, PEM or DER, and writes each to
# $TRUST/<fingerprint>.pem. Fails if there is no key, or one that is not ECDSA on P-256
read_keys() {
    local blocks block key=''
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

# read_key FILE: the same for a file with one key; sets `key`. A key is identified by its DER form, whichever text encodes it
read_key() {
    local der point
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
    local each
    printf '' >"$2" || return 1
    for each in $1; do cat "$TRUST/$each.pem" >>"$2" || return 1; done
}

# decode_signature TEXT FILE: base64 has unused bits in which a change could hide, so only the canonical text is accepted
decode_signature() {
    printf '%s' "$1" | openssl base64 -d -A >"$2" 2>/dev/null || return 1
    [ -n "$1" ] && [ "$(openssl base64 -A -in "$2" 2>/dev/null)" = "$1" ]
}

# is_signed_by FILE SIGNATURE FINGERPRINT
is_signed_by() {
    is_canonical "$2" && openssl dgst -sha256 -verify "$TRUST/$3.pem" -signature "$2" "$1" >/dev/null 2>&1
}

# is_canonical SIGNATURE: in DER, with the lower s; nobody can make another valid form of it without the private key
is_canonical() {
    od -An -v -tx1 "$1" | tr -d ' \n' | awk -v half="$HALF_ORDER" "$PROGRAM_BUNDLE_CANONICAL"
}

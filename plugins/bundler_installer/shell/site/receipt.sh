# ---- site/receipt: after a change that succeeded, a summary of what was verified, what was accepted and what runs, signed with
# a key of this site, so that the operator can send it back. It contains no values of variables. An envelope of DSSE 1.0

RECEIPT_TYPE=application/vnd.airbundle.receipt+json
ED25519=302a300506032b6570032100 # SubjectPublicKeyInfo up to the key: RFC 8410

# write_receipt KIND PREVIOUS BACKUP: to <root>/receipts. PREVIOUS: the release that ran before; BACKUP: whose data were
# restored; both may be empty. The change is complete, so a receipt that cannot be written is only said
write_receipt() {
    local receipt receipt_name why
    receipt=$SCRATCH/receipt receipt_name=$(date -u '+%Y%m%dT%H%M%SZ')-$1
    if (make_receipt "$@") 2>"$SCRATCH/receipt-error" >&2; then
        say receipt.written "$ROOT/receipts/$receipt_name.json"
        return 0
    fi
    why=$(show_plain 2>/dev/null <"$SCRATCH/receipt-error") || why=''
    warn receipt.lost "$ROOT/receipts" "${why:--}"
}

# make_receipt KIND PREVIOUS BACKUP: in a subshell, whose error output is the reason why there is none
make_receipt() {
    local receipt_key receipt_scheme='' receipt_keys=''
    umask 077
    have openssl || fail $EXIT_FAILED tools.missing openssl
    { rm -rf "$receipt" && mkdir "$receipt"; } || return 1
    receipt_key=$ROOT/state/receipt.key
    [ -e "$receipt_key" ] || make_receipt_key || return 1
    read_receipt_key || fail $EXIT_FAILED receipt.bad_key "$receipt_key"
    list_receipt_keys || return 1
    list_receipt_services || return 1
    awk 'substr($0, 67) ~ /^attestations\//' "$HERE/SHA256SUMS" >"$receipt/attestations" || return 1
    list_accepting >"$receipt/options" || return 1
    print_receipt "$@" >"$receipt/payload" || return 1
    sign_receipt || return 1
    print_envelope >"$receipt/envelope" && print_receipt_text "$@" >"$receipt/text" || return 1
    put_below "$ROOT" receipts/site.pub 644 <"$receipt/site.pub" &&
        put_below "$ROOT" "receipts/$receipt_name.txt" 644 <"$receipt/text" &&
        put_below "$ROOT" "receipts/$receipt_name.json" 644 <"$receipt/envelope"
}

# make_receipt_key: the site's key, once: Ed25519 where this openssl signs with it (3.0), else ECDSA on P-256
make_receipt_key() {
    printf probe >"$receipt/probe" || return 1
    {
        openssl genpkey -algorithm ED25519 -out "$receipt/new.key" 2>/dev/null &&
            openssl pkeyutl -sign -rawin -inkey "$receipt/new.key" -in "$receipt/probe" -out "$receipt/probe.sig" 2>/dev/null
    } || openssl ecparam -name prime256v1 -genkey -noout -out "$receipt/new.key" || return 1
    put_below "$ROOT" state/receipt.key 600 <"$receipt/new.key"
}

# read_receipt_key: sets receipt_scheme to ed25519 or ecdsa; the public key is in site.pub and, in DER, in site.der
read_receipt_key() {
    openssl pkey -in "$receipt_key" -pubout -out "$receipt/site.pub" </dev/null 2>/dev/null &&
        openssl pkey -in "$receipt_key" -pubout -outform DER -out "$receipt/site.der" </dev/null 2>/dev/null || return 1
    case $(od -An -v -tx1 "$receipt/site.der" | tr -d ' \n') in
        "$ED25519"*) receipt_scheme=ed25519 ;;
        "$P256"*) receipt_scheme=ecdsa ;;
        *) return 1 ;;
    esac
}

# list_receipt_keys: sets receipt_keys to the fingerprints of the keys that signed the bundle and are trusted here
list_receipt_keys() {
    local file keys=''
    file=$ROOT/state/trusted.pub
    [ -z "$JUDGED" ] || file=${SIGNED_BY:-}
    [ -f "${file:-/-}" ] || return 0
    TRUST=$receipt
    load_keys "$file" || fail $EXIT_FAILED trust.not_a_key "$file"
    receipt_keys=$keys
}

# list_receipt_services: write the services of the release, their images by digest, and the states of their containers
list_receipt_services() {
    list_containers >"$receipt/containers" || lose_target
    rows images.tsv >"$receipt/images" && rows services.tsv >"$receipt/services" || return 1
    awk -F "$TAB" -v containers="$receipt/containers" "$AWK_IMAGE$AWK_SERVICE$PROGRAM_SITE_RECEIPT" "$receipt/images" "$receipt/services" >"$receipt/running"
}

# list_accepting: the options of this run by which the operator accepted something, one a line
list_accepting() {
    local each
    [ -z "$YES" ] || echo --yes
    [ -z "$UNSIGNED" ] || echo --allow-unsigned
    [ -z "$DOWNGRADE" ] || echo --allow-downgrade
    [ -z "$NO_BACKUP" ] || echo --no-backup
    [ -z "$KEEP_DATA" ] || echo --keep-data
    [ -z "$INSTALL_ENGINE" ] || echo --install-engine
    [ "$EDITS" = refuse ] || printf '%s\n' "--edits $EDITS"
    for each in $ACCEPTED; do printf '%s\n' "--accept $each"; done
}

# print_receipt KIND PREVIOUS BACKUP: the receipt as JSON
print_receipt() {
    local each path comma service='' image='' manifest='' config='' states=''
    printf '{\n  "format": 1,\n  "kind": "%s",\n  "finished": "%s",\n' "$1" "$(date -u '+%Y-%m-%dT%H:%M:%SZ')"
    printf '  "host": %s,\n  "root": %s,\n' "$(json_string "$(probe hostname 2>/dev/null)")" "$(json_string "$ROOT")"
    printf '  "application": {"name": %s, "title": %s, "version": %s, "profile": %s},\n' "$(json_string "$NAME")" "$(json_string "$TITLE")" \
        "$(json_string "$VERSION")" "$(json_string "$PROFILE")"
    printf '  "release": %s,\n  "previous": %s,\n  "backup": %s,\n' "$(json_string "${HERE##*/}")" "$(json_text "${2:--}")" "$(json_text "${3:--}")"
    printf '  "verified": {\n    "in_this_run": %s,\n    "bundle": "%s",\n' "$(if [ -n "$JUDGED" ]; then echo true; else echo false; fi)" "$(name_bundle)"
    printf '    "files": %s,\n    "keys": [' "$(awk 'END { print NR }' "$HERE/SHA256SUMS")"
    comma=''
    for each in $receipt_keys; do printf '%s"%s"' "$comma" "$each"; comma=', '; done
    printf '],\n    "attestations": ['
    comma=''
    while read -r each path; do
        printf '%s\n      {"path": %s, "sha256": "%s"}' "$comma" "$(json_string "$path")" "$each"
        comma=,
    done <"$receipt/attestations"
    printf '\n    ]\n  },\n  "accepted": {\n    "options": ['
    comma=''
    while IFS= read -r each; do
        printf '%s%s' "$comma" "$(json_string "$each")"
        comma=', '
    done <"$receipt/options"
    printf '],\n    "checks": ['
    print_noted accepted
    printf '\n    ]\n  },\n  "warnings": ['
    print_noted warn
    printf '\n  ],\n  "runs": {\n    "engine": %s,\n    "compose": %s,\n    "services": [' \
        "$(json_string "$(served_version)")" "$(json_string "${COMPOSE_VERSION#v}")"
    comma=''
    while read_running_service service image manifest config states; do
        printf '%s\n      {"service": %s, "image": %s, "manifest": %s, "config": %s, "states": %s}' "$comma" "$(json_string "$service")" \
            "$(json_string "$image")" "$(json_text "$manifest")" "$(json_text "$config")" "$(json_text "$states")"
        comma=,
    done <"$receipt/running"
    printf '\n    ]\n  },\n  "site_key": "%s"\n}\n' "$(openssl base64 -A -in "$receipt/site.der")"
}

# print_noted RESULT: the checks of this run with that result, as objects; secrets are masked
print_noted() {
    local comma id='' result='' measured='' needed=''
    [ -f "$SCRATCH/noted-checks" ] || return 0
    comma=''
    while read_finding id result measured needed; do
        [ "$result" = "$1" ] || continue
        printf '%s\n      {"id": "%s", "measured": %s, "needed": %s}' "$comma" "$id" \
            "$(json_text "$(printf '%s\n' "$measured" | redact)")" "$(json_text "$(printf '%s\n' "$needed" | redact)")"
        comma=,
    done <"$SCRATCH/noted-checks"
}

# name_bundle: the digest of the release's SHA256SUMS, which covers every file of its bundle
name_bundle() {
    local digest
    digest=$(hash_stream <"$HERE/SHA256SUMS")
    printf '%s\n' "${digest%% *}"
}

# sign_receipt: the payload in the pre-authentication encoding of DSSE; the signature is checked before it counts
sign_receipt() {
    local length
    length=$(wc -c <"$receipt/payload") || return 1
    { printf 'DSSEv1 %s %s %s ' "${#RECEIPT_TYPE}" "$RECEIPT_TYPE" "${length##* }" && cat "$receipt/payload"; } >"$receipt/signed" || return 1
    case $receipt_scheme in
        ed25519)
            openssl pkeyutl -sign -rawin -inkey "$receipt_key" -in "$receipt/signed" -out "$receipt/signature" &&
                openssl pkeyutl -verify -rawin -pubin -inkey "$receipt/site.pub" -in "$receipt/signed" -sigfile "$receipt/signature" >/dev/null
            ;;
        *)
            openssl dgst -sha256 -sign "$receipt_key" -out "$receipt/signature" "$receipt/signed" &&
                openssl dgst -sha256 -verify "$receipt/site.pub" -signature "$receipt/signature" "$receipt/signed" >/dev/null
            ;;
    esac
}

# receipt_fingerprint: SHA-256 of the site's public key in DER
receipt_fingerprint() {
    local digest
    digest=$(hash_stream <"$receipt/site.der")
    printf '%s\n' "${digest%% *}"
}

print_envelope() {
    printf '{"payloadType": "%s",\n "payload": "%s",\n "signatures": [{"keyid": "%s", "sig": "%s"}]}\n' "$RECEIPT_TYPE" \
        "$(openssl base64 -A -in "$receipt/payload")" "$(receipt_fingerprint)" "$(openssl base64 -A -in "$receipt/signature")"
}

# print_receipt_text KIND PREVIOUS BACKUP: the same for people
print_receipt_text() {
    local path digest id='' result='' measured='' needed='' level='' service='' image='' manifest='' states=''
    print_line receipt.head "$(format "receipt.kind_$1")" "$TITLE" "$VERSION" "$PROFILE" "${HERE##*/}"
    print_line receipt.where "$(probe hostname 2>/dev/null)" "$ROOT" "$(date -u '+%Y-%m-%d %H:%M:%S')"
    [ -z "${2:-}" ] || print_line receipt.previous "$2"
    [ -z "${3:-}" ] || print_line receipt.backup "$3"
    if [ -n "$JUDGED" ]; then
        print_line receipt.verified "$(name_bundle)" "${receipt_keys:--}"
    else
        print_line receipt.known "$(name_bundle)" "${receipt_keys:--}"
    fi
    while read -r digest path; do print_line receipt.attestation "$path" "$digest"; done <"$receipt/attestations"
    [ ! -s "$receipt/options" ] || print_line receipt.options "$(paste -s -d , "$receipt/options" | sed 's/,/, /g')"
    if [ -f "$SCRATCH/noted-checks" ]; then
        while read_finding id result measured needed level; do
            print_line "receipt.check_$result" "$id" "$(printf '%s\n' "$measured" | redact)" "$(printf '%s\n' "$needed" | redact)"
        done <"$SCRATCH/noted-checks"
    fi
    while read_running_service service image manifest states; do
        print_line receipt.service "$service" "$states" "$image" "$manifest"
    done <"$receipt/running"
    print_line receipt.signed "$(receipt_fingerprint)" "$receipt_name.json"
}

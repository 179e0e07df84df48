# ---- site/certificate: a certificate is given by the site or created there; it is checked before anything changes, then put
# where services read it

# run_certificate: install a renewed certificate without the bundle; services that read it only at their start are recreated
run_certificate() {
    local ends=''
    require_tools
    use_installed
    rows certificates.tsv | grep -q . || fail $EXIT_USAGE certificate.unused "$TITLE"
    take_lock
    collect_variables
    end_at_mistakes
    [ -z "$ANSWERS" ] || only_certificates "$ANSWERS"
    only_certificates "$SCRATCH/set"
    check_collected
    check_certificates
    step variables write_variables
    step certificates place_certificates
    start_or_explain
    say certificate.placed "$(show_date "$ends")"
}

# only_certificates FILE: other values also occur in files that an installation fills in
only_certificates() {
    local taken line decoded=''
    decode_text "$1" || fail $EXIT_USAGE variables.not_text "$1"
    taken=$(rows certificates.tsv | awk -F "$TAB" "$AWK_CERTIFICATE"'{
        printf "%s %s %s ", $CERTIFICATE["certificate"], $CERTIFICATE["key"], $CERTIFICATE["self_signed"]
    }')
    while IFS= read -r line || [ -n "$line" ]; do
        case ${line%"$(printf '\r')"} in '' | '#'*) continue ;; esac
        case " $taken " in
            *" ${line%%=*} "*) ;;
            *) fail $EXIT_USAGE certificate.only "$taken" "${line%%=*}" ;;
        esac
    done <"$decoded"
}

# check_certificates: choose and check the certificates of `certificates.tsv`; the chosen files are in $SCRATCH/certificates;
# sets CERTIFICATES and `ends`
check_certificates() {
    local slot host='' certificate='' key='' self_signed='' certificate_path='' key_path='' chosen='' chosen_key=''
    local host_name='' shown_certificate='' shown_key=''
    CERTIFICATES=-
    mkdir -p "$SCRATCH/certificates" && chmod 700 "$SCRATCH/certificates"
    rows certificates.tsv >"$SCRATCH/certificate-rows"
    [ -s "$SCRATCH/certificate-rows" ] || return 0
    slot=0
    while read_certificate host certificate key self_signed certificate_path key_path; do
        slot=$((slot + 1))
        choose_certificate
        check_certificate
    done <"$SCRATCH/certificate-rows"
    # Compose recreates services whose definition contains this value, so a service that reads its certificate only at its
    # start reads it again
    CERTIFICATES=$(cat "$SCRATCH"/certificates/*.crt | hash_text)
}

# note_certificates: the same for existing certificates
note_certificates() {
    local here kept_files
    CERTIFICATES=-
    kept_files=$(list_column certificates.tsv certificate_path | while IFS= read -r here; do cat "$ROOT/data/$here" 2>/dev/null; done)
    [ -z "$kept_files" ] || CERTIFICATES=$(printf '%s\n' "$kept_files" | hash_text)
}

hash_text() { { openssl dgst -sha256 -r 2>/dev/null || sha256sum; } | cut -c 1-16; }

# choose_certificate: the files that were given, else existing ones, else a new one on request; sets host_name, `chosen`,
# chosen_key, shown_certificate and shown_key
choose_certificate() {
    local given given_key each
    given=$(value "$certificate") given_key=$(value "$key")
    host_name=$(value "$host")
    chosen=$SCRATCH/certificates/$slot.crt chosen_key=$SCRATCH/certificates/$slot.key
    if [ -n "$given$given_key" ] && ! was_given_before; then
        [ -n "$given" ] || fail $EXIT_USAGE certificate.half "$key" "$certificate"
        [ -n "$given_key" ] || fail $EXIT_USAGE certificate.half "$certificate" "$key"
        for each in "$given" "$given_key"; do
            { [ -f "$each" ] && [ -r "$each" ]; } || fail $EXIT_USAGE certificate.unreadable "$each"
        done
        shown_certificate=$given shown_key=$given_key
        copy_private "$given" "$chosen"
        copy_private "$given_key" "$chosen_key"
    elif [ -f "$ROOT/data/$certificate_path" ] && [ -f "$ROOT/data/$key_path" ] && still_covers; then
        shown_certificate=$ROOT/data/$certificate_path shown_key=$ROOT/data/$key_path
        copy_private "$ROOT/data/$certificate_path" "$chosen"
        copy_private "$ROOT/data/$key_path" "$chosen_key"
    elif [ "$(value "$self_signed")" = true ]; then
        shown_certificate=$chosen shown_key=$chosen_key
        make_certificate
    else
        fail $EXIT_USAGE certificate.none "$host_name" "$certificate" "$key" "$self_signed"
    fi
}

# was_given_before: the answers of an earlier run name files that no longer exist; their copies are kept
was_given_before() {
    { [ ! -f "$given" ] || [ ! -f "$given_key" ]; } &&
        [ -f "$ROOT/data/$certificate_path" ] && [ -f "$ROOT/data/$key_path" ] &&
        grep -qxF -- "$certificate=$given" "$ROOT/site.env" 2>/dev/null &&
        grep -qxF -- "$key=$given_key" "$ROOT/site.env" 2>/dev/null
}

# still_covers: a certificate created here is replaced if the host name changes or it has expired
still_covers() {
    [ "$(value "$self_signed")" = true ] || return 0
    covers_host "$ROOT/data/$certificate_path" && openssl x509 -in "$ROOT/data/$certificate_path" -noout -checkend 0 >/dev/null 2>&1
}

copy_private() { (umask 077 && cat -- "$1" >"$2") || fail $EXIT_FAILED release.disk "$SCRATCH"; }

# make_certificate: ECDSA P-256, self-signed, valid for 825 days, the longest period that browsers accept
make_certificate() {
    local kind
    if is_address "$host_name"; then kind=IP; else kind=DNS; fi
    {
        printf '[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = usage\n'
        printf '[name]\nCN = %.64s\n' "$host_name"
        printf '[usage]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n'
        printf 'extendedKeyUsage = serverAuth\nsubjectAltName = %s:%s\n' "$kind" "$host_name"
    } >"$SCRATCH/certificates/request.cnf"
    {
        (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$chosen_key") 2>"$SCRATCH/openssl" &&
            openssl req -x509 -new -sha256 -days 825 -key "$chosen_key" -out "$chosen" \
                -config "$SCRATCH/certificates/request.cnf" 2>"$SCRATCH/openssl"
    } || fail $EXIT_FAILED certificate.not_made "$(tail -n 1 "$SCRATCH/openssl")"
    say certificate.made "$host_name" "$(certificate_fingerprint "$chosen")"
}

certificate_fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//'; }

# check_certificate: it is PEM, matches its key, is valid now and for this host; sets `ends`, its last second
check_certificate() {
    local starts now
    openssl x509 -in "$chosen" -noout 2>/dev/null || fail $EXIT_USAGE certificate.no_pem "$shown_certificate"
    if grep -q ENCRYPTED "$chosen_key"; then fail $EXIT_USAGE certificate.passphrase "$shown_key"; fi
    openssl pkey -in "$chosen_key" -pubout </dev/null >"$SCRATCH/certificates/key.pub" 2>/dev/null ||
        fail $EXIT_USAGE certificate.no_key "$shown_key"
    openssl x509 -in "$chosen" -noout -pubkey >"$SCRATCH/certificates/certificate.pub"
    cmp -s "$SCRATCH/certificates/key.pub" "$SCRATCH/certificates/certificate.pub" ||
        fail $EXIT_USAGE certificate.mismatch "$shown_certificate" "$shown_key"
    starts=$(certificate_date startdate "$chosen") ends=$(certificate_date enddate "$chosen") now=$(date -u '+%Y%m%d%H%M%S')
    [ "$(printf '%s\n' "$now" "$ends" | sort -n | head -n 1)" = "$now" ] ||
        fail $EXIT_USAGE certificate.expired "$shown_certificate" "$(show_date "$ends")"
    [ "$(printf '%s\n' "$now" "$starts" | sort -n | head -n 1)" = "$starts" ] ||
        fail $EXIT_USAGE certificate.early "$shown_certificate" "$(show_date "$starts")" "$(show_date "$now")"
    covers_host "$chosen" || fail $EXIT_USAGE certificate.host "$shown_certificate" "$host_name" "$(list_names "$chosen")"
    if ! openssl x509 -in "$chosen" -noout -checkend 2592000 >/dev/null; then
        warn certificate.soon "$shown_certificate" "$(show_date "$ends")"
    fi
    if [ "$(grep -c 'BEGIN CERTIFICATE' "$chosen")" = 1 ] &&
        [ "$(openssl x509 -in "$chosen" -noout -issuer_hash)" != "$(openssl x509 -in "$chosen" -noout -subject_hash)" ]; then
        warn certificate.chain "$shown_certificate"
    fi
}

# covers_host FILE
covers_host() {
    local by
    [ -n "$(list_names "$1")" ] || return 1 # browsers read no other field
    if is_address "$host_name"; then by=-checkip; else by=-checkhost; fi
    case $(openssl x509 -in "$1" -noout "$by" "$host_name" 2>/dev/null) in *'does match'*) return 0 ;; esac
    return 1
}

# is_address HOST: whether it is an IP address and not a name
is_address() {
    case $1 in
        *:*) return 0 ;;
        *[!0-9.]*) return 1 ;;
    esac
}

# certificate_date startdate|enddate FILE: YYYYMMDDhhmmss, from `notAfter=Nov  4 21:09:00 2026 GMT`
certificate_date() {
    openssl x509 -in "$2" -noout "-$1" | awk "$PROGRAM_SITE_DATE"
}

show_date() { printf '%s' "$1" | sed 's/^\(....\)\(..\)\(..\).*/\1-\2-\3/'; }

# list_names FILE: the names and addresses that a certificate covers
list_names() {
    openssl x509 -in "$1" -noout -text 2>/dev/null | awk '/Subject Alternative Name/ { getline; gsub(/^ +/, ""); print; exit }'
}

# place_certificates: put each where services read it, completely or not at all
place_certificates() {
    local slot certificate_path='' key_path=''
    slot=0
    while read_certificate certificate_path key_path; do
        slot=$((slot + 1))
        put_private "$SCRATCH/certificates/$slot.key" "$ROOT/data/$key_path"
        put_private "$SCRATCH/certificates/$slot.crt" "$ROOT/data/$certificate_path"
    done <"$SCRATCH/certificate-rows"
}

# put_private FILE TARGET: a file below the root
put_private() {
    case $2 in
        "$ROOT/data"/*) put_below "$ROOT/data" "${2#"$ROOT/data/"}" ;;
        *) put_below "$ROOT" "${2#"$ROOT/"}" ;;
    esac <"$1" || fail $EXIT_FAILED root.not_put "$2"
}

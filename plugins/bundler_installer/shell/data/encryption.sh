# ---- data/encryption: backups protected by a passphrase. AES-256-CTR for each file; HMAC-SHA-256 over the list of the
# files' digests
#
# Encrypt, then authenticate: SHA256SUMS contains the digest of every encrypted file, and the HMAC covers SHA256SUMS. Each
# file has its own salt, and so has the HMAC's key, so PBKDF2 derives a separate key for each use. The passphrase is passed
# to openssl through a pipe: it is never an argument, in the environment or on a disk. A backup without encryption has the
# same HMAC, with a key of the site (site/key).

# take_passphrase [new]: read it into PASSPHRASE, from --passphrase-file or the terminal
take_passphrase() {
    local first
    [ -z "$PASSPHRASE" ] || return 0
    require_cipher
    if [ -n "$PASSPHRASE_FILE" ]; then
        IFS= read -r PASSPHRASE <"$PASSPHRASE_FILE" 2>/dev/null || [ -n "$PASSPHRASE" ] ||
            fail $EXIT_USAGE crypt.no_file "$PASSPHRASE_FILE"
        PASSPHRASE=${PASSPHRASE%"$(printf '\r')"}
    else
        [ -n "$TERMINAL" ] || fail $EXIT_USAGE crypt.no_passphrase
        ask_passphrase crypt.ask
        if [ "${1:-}" = new ]; then
            first=$PASSPHRASE
            ask_passphrase crypt.ask_again
            [ "$first" = "$PASSPHRASE" ] || fail $EXIT_USAGE crypt.differ
            first=''
        fi
    fi
    if [ "${1:-}" = new ] && [ "${#PASSPHRASE}" -lt 12 ]; then fail $EXIT_USAGE crypt.short; fi
    if [ -z "$PASSPHRASE" ] || [ "${#PASSPHRASE}" -gt 512 ]; then fail $EXIT_USAGE crypt.length; fi
}

# ask_passphrase ID: ask for it without echo
ask_passphrase() {
    local given
    read_silently "$(format "$1") " || given=''
    PASSPHRASE=$given
}

# require_cipher: OpenSSL 1.1.1 is the first version that derives keys with PBKDF2
require_cipher() {
    have openssl || fail $EXIT_FAILED tools.missing openssl
    printf '' | openssl enc -aes-256-ctr -pbkdf2 -iter 1 -pass file:/dev/null >/dev/null 2>"$SCRATCH/cipher" || :
    if grep -qi 'pbkdf2\|unknown option' "$SCRATCH/cipher"; then fail $EXIT_FAILED crypt.old_openssl "$(openssl version)"; fi
}

# encrypt, decrypt: standard input to standard output
encrypt() { run_cipher -e; }

decrypt() { run_cipher -d; }

run_cipher() {
    {
        printf '%s\n' "$PASSPHRASE" |
            openssl enc "$@" -aes-256-ctr -md sha256 -pbkdf2 -iter "$CRYPT_ROUNDS" -pass fd:3 3<&0 <&4
    } 4<&0
}

# authenticate FILE SALT: print its HMAC-SHA-256 in hex. With a salt the key is derived from the passphrase, without one from
# the site's key, for this use only. The status is not 0 if it cannot be computed
authenticate() {
    local mac_key mac=''
    if [ -n "$2" ]; then derive_from_passphrase "$2"; else derive_from_site_key; fi || return 1
    compute_hmac "$mac_key" "$1" || return 1
    mac_key=''
    printf '%s\n' "$mac"
}

# derive_from_passphrase SALT: sets mac_key to the ciphertext of zeros under the salt
derive_from_passphrase() {
    mac_key=$(dd if=/dev/zero bs=32 count=1 2>/dev/null | run_cipher -e -S "$1" 2>/dev/null | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
    is_hex "$mac_key" 64
}

# derive_from_site_key: sets mac_key to the HMAC of a text that names the key's use
derive_from_site_key() {
    local mac=''
    is_hex "$BACKUP_KEY" 64 || return 1
    printf 'bundle backup SHA256SUMS' >"$SCRATCH/mac-use" || return 1
    compute_hmac "$BACKUP_KEY" "$SCRATCH/mac-use" || return 1
    mac_key=$mac
}

# compute_hmac HEX FILE: sets `mac` to the HMAC-SHA-256 (RFC 2104) of the file under a key of 32 bytes. A hash counts only if
# all of its input was read
compute_hmac() {
    local inner
    mac=''
    rm -f "$SCRATCH/mac-fed" || return 1
    { print_pad "$1" 54 && cat -- "$2" && printf '' >"$SCRATCH/mac-fed"; } | hash_stream >"$SCRATCH/mac-inner" || return 1
    inner=$(cut -c 1-64 "$SCRATCH/mac-inner")
    { [ -f "$SCRATCH/mac-fed" ] && is_hex "$inner" 64 && rm -f "$SCRATCH/mac-fed"; } || return 1
    { print_pad "$1" 92 && print_bytes "$inner" 32 0 && printf '' >"$SCRATCH/mac-fed"; } | hash_stream >"$SCRATCH/mac-outer" || return 1
    mac=$(cut -c 1-64 "$SCRATCH/mac-outer")
    [ -f "$SCRATCH/mac-fed" ] && is_hex "$mac" 64
}

# print_pad HEX BYTE: the key, padded to the block size of 64 bytes, each byte XORed with BYTE
print_pad() { print_bytes "$1" 64 "$2"; }

# print_bytes HEX COUNT BYTE: COUNT bytes, each XORed with BYTE; HEX is padded with zeros
print_bytes() {
    local pad_rest pad_count pad_text pad_byte
    pad_rest=$1 pad_count=0 pad_text=''
    while [ "$pad_count" -lt "$2" ]; do
        pad_byte=0
        if [ -n "$pad_rest" ]; then
            pad_byte=$((0x${pad_rest%"${pad_rest#??}"}))
            pad_rest=${pad_rest#??}
        fi
        pad_byte=$((pad_byte ^ $3))
        pad_text=$pad_text\\$((pad_byte / 64))$((pad_byte / 8 % 8))$((pad_byte % 8))
        pad_count=$((pad_count + 1))
    done
    # shellcheck disable=SC2059 # the format consists of octal escapes
    printf "$pad_text"
}

# ---- crypt: backups under a passphrase. AES-256-CTR for each file; HMAC-SHA-256 over the list of the files' digests
#
# Encrypt, then authenticate: SHA256SUMS holds the digest of every encrypted file, and the HMAC covers SHA256SUMS. Each
# file has a salt of its own, and the HMAC's key another one, so that PBKDF2 makes a separate key for each use. The
# passphrase goes to openssl through a pipe: it is never an argument, in the environment or on a disk.

CRYPT_ROUNDS=600000 # of PBKDF2 with SHA-256

# take_passphrase [new]: into PASSPHRASE, from --passphrase-file or the terminal
take_passphrase() {
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

# ask_passphrase ID: typed without an echo
ask_passphrase() {
    read_silently "$(format "$1") " || given=''
    PASSPHRASE=$given
}

# require_cipher: OpenSSL 1.1.1 is the first that derives keys with PBKDF2
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

# authenticate FILE SALT: its HMAC-SHA-256, hex. The key is what the cipher makes of zeros under the salt
authenticate() {
    # shellcheck disable=SC2034 # assigned first: the status is the pipeline's
    mac_key=$(dd if=/dev/zero bs=32 count=1 2>/dev/null | run_cipher -e -S "$2" | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
    [ "${#mac_key}" -eq 64 ] || return 1
    {
        print_pad "$mac_key" 54
        cat -- "$1"
    } | openssl dgst -sha256 -binary >"$SCRATCH/inner" || return 1
    {
        print_pad "$mac_key" 92
        cat "$SCRATCH/inner"
    } | openssl dgst -sha256 -r | cut -c 1-64
    mac_key=''
}

# print_pad HEX BYTE: the key of 32 bytes, filled up to the block of 64, each byte XORed (RFC 2104)
print_pad() {
    pad_rest=$1 pad_count=0
    while [ "$pad_count" -lt 64 ]; do
        pad_byte=0
        if [ -n "$pad_rest" ]; then
            pad_byte=$((0x${pad_rest%"${pad_rest#??}"}))
            pad_rest=${pad_rest#??}
        fi
        # shellcheck disable=SC2059 # the format is an octal escape
        printf "\\$(printf '%03o' $((pad_byte ^ $2)))"
        pad_count=$((pad_count + 1))
    done
}

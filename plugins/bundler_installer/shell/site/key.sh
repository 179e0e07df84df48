# ---- site/key: the key that authenticates the backups of this site. It is stored in secrets.env, created once and never
# replaced
#
# 32 random bytes, in hex. It is never an argument of a program, in the environment, in a log or in an unencrypted backup,
# because it must stay unknown to users who can write to the backups.

SITE_KEY_NAME=BUNDLE_BACKUP_KEY

# read_site_key: into SITE_KEY; empty if the site has none yet
read_site_key() {
    local secret_lines
    SITE_KEY=''
    [ -f "$ROOT/secrets.env" ] || return 0
    # `read` does not distinguish an error from the end, and a key that was missed would be replaced by a new one
    secret_lines=$(cat -- "$ROOT/secrets.env") || fail $EXIT_FAILED site-key.damaged "$ROOT/secrets.env"
    SITE_KEY=$(printf '%s\n' "$secret_lines" | find_key) || fail $EXIT_FAILED site-key.damaged "$ROOT/secrets.env"
    secret_lines=''
}

# find_key: the key in lines NAME=VALUE of standard input; nothing if there is none
find_key() {
    local key_line
    while IFS= read -r key_line || [ -n "$key_line" ]; do
        case $key_line in
            "$SITE_KEY_NAME"=*)
                key_line=${key_line%"$(printf '\r')"}
                is_hex "${key_line#*=}" 64 || return 1
                printf '%s\n' "${key_line#*=}"
                return 0
                ;;
        esac
    done
    return 0
}

# keep_site_key: create the key if it does not exist; the caller holds the lock
keep_site_key() {
    read_site_key
    [ -z "$SITE_KEY" ] || return 0
    SITE_KEY=$(dd if=/dev/urandom bs=32 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
    is_hex "$SITE_KEY" 64 || fail $EXIT_FAILED site-key.not_made
    rm -f "$ROOT/secrets.env.new"
    { (umask 077 && print_with_key >"$ROOT/secrets.env.new") && flush "$ROOT/secrets.env.new" &&
        [ "$(find_key <"$ROOT/secrets.env.new")" = "$SITE_KEY" ] &&
        mv -f "$ROOT/secrets.env.new" "$ROOT/secrets.env"; } || fail $EXIT_FAILED release.disk "$ROOT"
    rm -f "$SCRATCH/secret-forms" # the list of forms to redact is out of date
}

# print_with_key: the lines of secrets.env, and the key
print_with_key() {
    if [ -f "$ROOT/secrets.env" ]; then without_key "$ROOT/secrets.env" || return 1; fi
    printf '%s=%s\n' "$SITE_KEY_NAME" "$SITE_KEY"
}

# without_key FILE: its lines NAME=VALUE except the key
without_key() { awk -v key="$SITE_KEY_NAME=" '/^[A-Za-z_][A-Za-z0-9_]*=/ && index($0, key) != 1' "$1"; }

# take_backup_key: into BACKUP_KEY, to check an unencrypted backup: the key given for a restore, else this site's, else the
# operator is asked. Empty if there is none and the operator accepts that
take_backup_key() {
    local given
    [ -z "$BACKUP_KEY" ] || return 0
    if [ -n "$BACKUP_KEY_FILE" ] && [ "$COMMAND" = restore ]; then
        read_key_file
        return
    fi
    read_site_key
    BACKUP_KEY=$SITE_KEY
    if [ -n "$BACKUP_KEY" ] || accepts unauthenticated-backup; then return 0; fi
    [ -n "$TERMINAL" ] || fail $EXIT_VERIFICATION site-key.needed
    read_silently "$(format site-key.ask) " || given=''
    BACKUP_KEY=$(printf '%s\n' "${given#"$SITE_KEY_NAME="}" | tr A-F a-f)
    given=''
    is_hex "$BACKUP_KEY" 64 || fail $EXIT_VERIFICATION site-key.needed
}

# read_key_file: the file of --backup-key has the key in its first line, or is a secrets.env
read_key_file() {
    { [ -f "$BACKUP_KEY_FILE" ] && BACKUP_KEY=$(find_key <"$BACKUP_KEY_FILE"); } 2>/dev/null || fail $EXIT_USAGE site-key.no_file "$BACKUP_KEY_FILE"
    if [ -z "$BACKUP_KEY" ]; then
        IFS= read -r BACKUP_KEY <"$BACKUP_KEY_FILE" || :
        BACKUP_KEY=$(printf '%s\n' "${BACKUP_KEY%"$(printf '\r')"}" | tr A-F a-f)
    fi
    is_hex "$BACKUP_KEY" 64 || fail $EXIT_USAGE site-key.no_file "$BACKUP_KEY_FILE"
}

# show_site_key: print the portable form for another machine: a line that --backup-key accepts
show_site_key() {
    take_lock
    keep_site_key
    printf '%s=%s\n' "$SITE_KEY_NAME" "$SITE_KEY"
}

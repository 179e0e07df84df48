# ---- data/authentic: nothing of a backup is used until it is proved that this site, or somebody who knows the passphrase,
# made it
#
# The small files are read once, into $SCRATCH/source; what is checked there is what is used. The large ones are hashed here,
# and again when they are extracted.

# fail_reading FILE: it is unknown whether the backup is good, because a file could not be read or written
fail_reading() {
    blame_scratch
    fail $EXIT_FAILED authentic.unreadable "$1"
}

refuse_damaged() { fail $EXIT_VERIFICATION restore.damaged "$1"; }

# source_fact KEY: a value of the checked copy of backup.env
source_fact() { sed -n "s/^$1=//p" "$SCRATCH/source/backup.env" 2>/dev/null | sed -n 1p; }

# verify_backup FOLDER: it is authentic, and every file is listed and complete; changes nothing
verify_backup() { (check_backup "$1"); }

# require_backup FOLDER: the same, but end the run with 4 if the backup is not good and 1 if that is unknown
require_backup() {
    local verify_code
    verify_backup "$1" && return
    verify_code=$?
    [ $verify_code -eq $EXIT_VERIFICATION ] || leave $verify_code
    fail $EXIT_VERIFICATION restore.refused "$1"
}

check_backup() {
    read_once "$1"
    check_list "$1"
    check_authentic "$1"
    check_facts "$1"
    check_volume_table "$1"
    check_files "$1"
}

# read_once FOLDER: copy the small files; the next check of the same folder uses the copies
read_once() {
    local each size
    if [ "$(cat "$SCRATCH/source/folder" 2>/dev/null)" = "$1" ]; then return 0; fi
    { rm -rf "$SCRATCH/source" && mkdir "$SCRATCH/source"; } || fail_reading "$1"
    for each in SHA256SUMS SHA256SUMS.hmac backup.env volumes.tsv; do
        if [ -L "$1/$each" ]; then refuse_damaged "$1/$each"; fi
        [ -e "$1/$each" ] || continue
        [ -f "$1/$each" ] || refuse_damaged "$1/$each"
        dd if="$1/$each" of="$SCRATCH/source/$each" bs=4096 count=257 2>/dev/null || fail_reading "$1/$each"
        size=$(wc -c <"$SCRATCH/source/$each")
        is_number "$size" || fail_reading "$1/$each"
        [ "$size" -le 1048576 ] || refuse_damaged "$1/$each"
    done
    for each in SHA256SUMS backup.env; do [ -f "$SCRATCH/source/$each" ] || refuse_damaged "$1"; done
    printf '%s\n' "$1" >"$SCRATCH/source/folder" || fail_reading "$1"
}

# check_list FOLDER: SHA256SUMS contains only names that a backup may have, each once, and the digests of the small files
check_list() {
    local sums each
    sums=$SCRATCH/source/SHA256SUMS
    awk "$PROGRAM_DATA_LIST" "$sums" >"$SCRATCH/listed"
    case $? in
        0) ;;
        3) refuse_damaged "$1/SHA256SUMS" ;;
        *) fail_reading "$1/SHA256SUMS" ;;
    esac
    [ "$(awk 'END { print NR }' "$sums")" = "$(awk 'END { print NR }' "$SCRATCH/listed")" ] || fail_reading "$1/SHA256SUMS"
    for each in backup.env volumes.tsv; do
        [ -f "$SCRATCH/source/$each" ] || continue
        hash_stream <"$SCRATCH/source/$each" >"$SCRATCH/found" || fail_reading "$1/$each"
        is_hex "$(cut -c 1-64 "$SCRATCH/found")" 64 || fail_reading "$1/$each"
        [ "$(cut -c 1-64 "$SCRATCH/found")" = "$(listed_digest "$each")" ] || refuse_damaged "$1/$each"
    done
}

# listed_digest NAME: of a file of the backup; nothing if the backup has no such file
listed_digest() { awk -v name="$1" 'substr($0, 67) == name { print substr($0, 1, 64) }' "$SCRATCH/source/SHA256SUMS"; }

# has_part NAME: whether the backup has this file
has_part() { [ -n "$(listed_digest "$1")$(listed_digest "$1.enc")" ]; }

# check_authentic FOLDER: by the passphrase, or by the key of the site that made it
check_authentic() {
    local salt=''
    case $(source_fact encrypted) in
        no)
            [ -z "$PASSPHRASE_FILE" ] || fail $EXIT_VERIFICATION restore.plain "$1"
            if [ ! -f "$SCRATCH/source/SHA256SUMS.hmac" ] && ! accepts unauthenticated-backup; then
                fail $EXIT_VERIFICATION authentic.none "$1"
            fi
            take_backup_key
            if [ -f "$SCRATCH/source/SHA256SUMS.hmac" ] && [ -n "$BACKUP_KEY" ]; then
                compare_code "$1" '' authentic.other
            elif [ ! -f "$SCRATCH/source/accepted" ]; then
                warn authentic.accepted "$1"
                printf '' >"$SCRATCH/source/accepted" || fail_reading "$1"
            fi
            ;;
        yes)
            [ -f "$SCRATCH/source/SHA256SUMS.hmac" ] || refuse_damaged "$1/SHA256SUMS.hmac"
            take_passphrase
            set_rounds "$1"
            compare_code "$1" "$salt" restore.passphrase
            ;;
        *) refuse_damaged "$1/backup.env" ;;
    esac
}

# compare_code FOLDER SALT MESSAGE: the stored code equals the computed one
compare_code() {
    authenticate "$SCRATCH/source/SHA256SUMS" "$2" >"$SCRATCH/mac" || {
        blame_scratch
        fail $EXIT_FAILED authentic.no_code
    }
    [ "$(wc -c <"$SCRATCH/mac")" -eq 65 ] || fail_reading "$1"
    twice cmp -s "$SCRATCH/mac" "$SCRATCH/source/SHA256SUMS.hmac"
    case $? in
        0) ;;
        1) fail $EXIT_VERIFICATION "$3" "$1" ;;
        *) fail_reading "$1/SHA256SUMS.hmac" ;;
    esac
}

# set_rounds FOLDER: sets CRYPT_ROUNDS and `salt` to the values of the backup, within limits
set_rounds() {
    CRYPT_ROUNDS=$(source_fact rounds) salt=$(source_fact salt)
    { is_number "$CRYPT_ROUNDS" && [ "${#CRYPT_ROUNDS}" -le 7 ] && [ "$CRYPT_ROUNDS" -ge 200000 ] && is_hex "$salt" 16; } ||
        refuse_damaged "$1/backup.env"
}

# check_facts FOLDER: it is of this application, in a format that this program supports
check_facts() {
    local fact
    for fact in format name project release created tar; do
        case $(source_fact "$fact") in
            '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._:-]*) refuse_damaged "$1/backup.env" ;;
        esac
    done
    [ "$(source_fact format)" = 1 ] || fail $EXIT_VERIFICATION restore.format "$(source_fact format)"
    [ "$(source_fact name)" = "$NAME" ] || fail $EXIT_VERIFICATION restore.other "$(source_fact name)" "$NAME"
    choose_tar
    if [ "$(source_fact tar)" = posix ] && [ "$TAR_KIND" != posix ]; then fail $EXIT_FAILED restore.tar; fi
}

# check_volume_table FOLDER: each row has a listed file, a volume's name and its key in the Compose document
check_volume_table() {
    [ -f "$SCRATCH/source/volumes.tsv" ] || return 0
    awk -F "$TAB" -v listed="$SCRATCH/listed" "$AWK_STORED_VOLUME$PROGRAM_DATA_VOLUMES" "$SCRATCH/source/volumes.tsv"
    case $? in
        0) ;;
        3) refuse_damaged "$1/volumes.tsv" ;;
        *) fail_reading "$1/volumes.tsv" ;;
    esac
}

# check_files FOLDER: the files that exist are exactly those that are listed, and they match
check_files() {
    local bad
    { (cd -- "$1" && find . ! -type d ! -type f) >"$SCRATCH/special" && (cd -- "$1" && find . -type f) >"$SCRATCH/there.raw"; } ||
        fail_reading "$1"
    [ ! -s "$SCRATCH/special" ] || refuse_damaged "$1"
    # a name with a line break produces a line that does not begin with ./
    awk '
        substr($0, 1, 2) != "./" { bad = 1 }
        $0 != "./SHA256SUMS" && $0 != "./SHA256SUMS.hmac" { print substr($0, 3) }
        END { exit bad ? 3 : 0 }' "$SCRATCH/there.raw" >"$SCRATCH/there.names"
    case $? in
        0) ;;
        3) refuse_damaged "$1" ;;
        *) fail_reading "$1" ;;
    esac
    LC_ALL=C sort "$SCRATCH/there.names" >"$SCRATCH/there" || fail_reading "$1"
    must_equal "$SCRATCH/listed" "$SCRATCH/there" "$1" "$1"
    bad=''
    { tr '\n' '\0' <"$SCRATCH/listed" >"$SCRATCH/listed.nul" &&
        expect_files "$1" <"$SCRATCH/listed" &&
        metered check-backup '' hash_below "$1" "$SCRATCH/listed.nul" "$SCRATCH/found" &&
        cut -c 1-64 "$SCRATCH/found" >"$SCRATCH/found.digests" && cut -c 1-64 "$SCRATCH/source/SHA256SUMS" >"$SCRATCH/digests"; } ||
        fail_reading "$1"
    cmp -s "$SCRATCH/digests" "$SCRATCH/found.digests" || bad=$(paste -d ' ' "$SCRATCH/digests" "$SCRATCH/found.digests" "$SCRATCH/listed" |
        awk '$1 != $2 { print substr($0, 131); exit }')
    must_equal "$SCRATCH/digests" "$SCRATCH/found.digests" "$1${bad:+/$bad}" "$1"
}

# must_equal FILE OTHER DAMAGED FOLDER: compare lists with a line per file, of at least one file
must_equal() {
    [ -s "$1" ] || fail_reading "$4"
    cmp -s "$1" "$2"
    case $? in
        0) ;;
        1) refuse_damaged "$3" ;;
        *) fail_reading "$4" ;;
    esac
}

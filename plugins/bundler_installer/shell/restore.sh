# ---- restore: a backup back in its place; what was there is kept aside until it worked

run_restore() {
    require_tools
    [ -n "$WORDS" ] || fail $EXIT_USAGE restore.which "$(backup_names "$ROOT/backups" | tr '\n' ' ')"
    if [ -n "$INSTALLED" ]; then use_installed; else name_release; fi
    find_backup "$WORDS"
    verify_backup "$SOURCE" || fail $EXIT_VERIFICATION restore.refused "$SOURCE"
    match_release
    if [ -d "$CURRENT/config" ]; then restore_in_place; else restore_anew; fi
    say restore.done "$SOURCE"
    [ -z "$BEFORE" ] || [ ! -d "$BEFORE" ] || say restore.kept "$BEFORE"
}

# find_backup WORD: a folder, a tar file of one, or a name below <root>/backups; sets SOURCE
find_backup() {
    case $1 in
        /*) SOURCE=$1 ;;
        *) if [ -e "$ROOT/backups/$1" ]; then SOURCE=$ROOT/backups/$1; else SOURCE=$(pwd -P)/$1; fi ;;
    esac
    if [ -f "$SOURCE" ]; then
        UNPACKED=$ROOT/state/unpacked.$$ # its own: nothing is locked yet
        mkdir -p "$ROOT/state" || fail $EXIT_FAILED journal.root "$ROOT"
        for each in "$ROOT"/state/unpacked*; do # of runs that were killed
            if ! is_running "${each##*.}"; then rm -rf "$each"; fi
        done
        rm -rf "$UNPACKED"
        (umask 077 && mkdir "$UNPACKED" && tar -xf "$SOURCE" -C "$UNPACKED" 2>/dev/null) ||
            fail $EXIT_VERIFICATION restore.damaged "$SOURCE"
        SOURCE=$(find "$UNPACKED" -name backup.env -type f | sed -n '1s|/backup.env$||p')
    fi
    { [ -n "$SOURCE" ] && [ -f "$SOURCE/backup.env" ]; } || fail $EXIT_USAGE restore.none "$1"
}

# verify_backup FOLDER: every file is listed and whole, and the passphrase is the right one; reads, changes nothing
verify_backup() { (check_backup "$1"); }

check_backup() {
    sums=$1/SHA256SUMS
    { [ -f "$sums" ] && [ ! -L "$sums" ]; } || fail $EXIT_VERIFICATION restore.damaged "$1"
    sed -n 's/^[0-9a-f]\{64\}  //p' "$sums" >"$SCRATCH/listed"
    [ "$(wc -l <"$sums")" -eq "$(wc -l <"$SCRATCH/listed")" ] || fail $EXIT_VERIFICATION restore.damaged "$sums"
    (cd -- "$1" && find . ! -type d) | sed 's|^\./||' | grep -vx -e SHA256SUMS -e SHA256SUMS.hmac | LC_ALL=C sort >"$SCRATCH/there"
    cmp -s "$SCRATCH/there" "$SCRATCH/listed" || fail $EXIT_VERIFICATION restore.damaged "$1"
    [ -z "$(cd -- "$1" && find . ! -type d ! -type f)" ] || fail $EXIT_VERIFICATION restore.damaged "$1"
    (cd -- "$1" && tr '\n' '\0' <"$SCRATCH/listed" | hash_files) 2>/dev/null | cut -c 1-64 >"$SCRATCH/found"
    bad=$(cut -c 1-64 "$sums" | paste -d ' ' - "$SCRATCH/found" "$SCRATCH/listed" |
        awk '$1 != $2 { print substr($0, length($1 " " $2 " ") + 1); exit }')
    [ -z "$bad" ] || fail $EXIT_VERIFICATION restore.damaged "$1/$bad"
    for fact in format name project release created tar encrypted; do
        [ -n "$(backup_fact "$1" "$fact")" ] || fail $EXIT_VERIFICATION restore.damaged "$1/backup.env"
    done
    [ "$(backup_fact "$1" format)" = 1 ] || fail $EXIT_VERIFICATION restore.format "$(backup_fact "$1" format)"
    [ "$(backup_fact "$1" name)" = "$NAME" ] || fail $EXIT_VERIFICATION restore.other "$(backup_fact "$1" name)" "$NAME"
    choose_tar
    if [ "$(backup_fact "$1" tar)" = posix ] && [ "$TAR_KIND" != posix ]; then fail $EXIT_FAILED restore.tar; fi
    case $(backup_fact "$1" encrypted) in
        no) [ -z "$PASSPHRASE_FILE" ] || fail $EXIT_VERIFICATION restore.plain "$1" ;;
        *)
            take_passphrase
            set_rounds "$1"
            found=$(authenticate "$sums" "$(backup_fact "$1" salt)") || fail $EXIT_VERIFICATION restore.passphrase "$1"
            [ "$found" = "$(cat "$1/SHA256SUMS.hmac" 2>/dev/null)" ] || fail $EXIT_VERIFICATION restore.passphrase "$1"
            ;;
    esac
}

# set_rounds FOLDER: as the backup was made, within reason
set_rounds() {
    CRYPT_ROUNDS=$(backup_fact "$1" rounds) salt=$(backup_fact "$1" salt)
    { is_number "$CRYPT_ROUNDS" && [ "${#CRYPT_ROUNDS}" -le 8 ] && [ "$CRYPT_ROUNDS" -ge 200000 ] &&
        matches "$salt" '[0-9a-f]{16}'; } || fail $EXIT_VERIFICATION restore.damaged "$1/backup.env"
}

# open_backup FOLDER: passphrase and tar for reading what check_backup found good
open_backup() {
    SOURCE=$1
    choose_tar
    if [ "$(backup_fact "$1" encrypted)" != no ]; then
        take_passphrase
        set_rounds "$1"
    fi
}

# has_part NAME: whether the backup has this file
has_part() { [ -f "$SOURCE/$1" ] || [ -f "$SOURCE/$1.enc" ]; }

# pour NAME COMMAND...: a file of the backup into a command; both ends must succeed
pour() {
    poured=$1
    shift
    if [ -f "$SOURCE/$poured" ]; then
        "$@" <"$SOURCE/$poured" >"$SCRATCH/pour-output" 2>"$SCRATCH/pour-errors"
        return
    fi
    rm -f "$SCRATCH/pour-failed"
    { decrypt <"$SOURCE/$poured.enc" 2>"$SCRATCH/crypt-errors" || : >"$SCRATCH/pour-failed"; } |
        "$@" >"$SCRATCH/pour-output" 2>"$SCRATCH/pour-errors" && [ ! -f "$SCRATCH/pour-failed" ]
}

# match_release: data go back under the release that they were made by
match_release() {
    backup_release=$(backup_fact "$SOURCE" release)
    [ ! -d "$CURRENT/config" ] || RELEASE=$(cd -- "$CURRENT" && pwd -P | sed 's|.*/||')
    if [ "$backup_release" != "$RELEASE" ]; then
        accepts release || fail $EXIT_FAILED restore.release "$backup_release" "$RELEASE"
        warn restore.release_accepted "$backup_release" "$RELEASE"
    fi
}

restore_in_place() {
    use_installed
    ask restore.ask "$(backup_fact "$SOURCE" created)" "$ROOT" || fail $EXIT_FAILED restore.no
    take_lock
    record begin restore
    restore_backup "$SOURCE" || {
        record failed restore
        fail $EXIT_FAILED restore.failed "$SOURCE"
    }
    record end restore
    compose_up_or_explain
}

# restore_anew: the release comes from this bundle, its data, answers and secrets from the backup
restore_anew() {
    open_backup "$SOURCE"
    RESTORED=$SCRATCH/restored
    (umask 077 && mkdir "$RESTORED")
    for each in site.env secrets.env; do
        if has_part "$each"; then
            pour "$each" cat || fail $EXIT_FAILED restore.damaged "$SOURCE/$each"
            (umask 077 && mv "$SCRATCH/pour-output" "$RESTORED/$each")
        fi
    done
    if [ -d "$ROOT/data" ] && [ -n "$(ls -A "$ROOT/data")" ]; then
        ask restore.ask "$(backup_fact "$SOURCE" created)" "$ROOT" || fail $EXIT_FAILED restore.no
    fi
    check_counter
    settle_engine
    collect_variables
    preflight_or_stop
    verify_bundle copy
    take_lock
    record_accepted
    if [ -n "$ENGINE_PLAN" ]; then step engine install_engine; fi
    require_engine
    begin_restore "$SOURCE"
    step aside set_aside
    step data put_data_back
    for each in site.env secrets.env; do
        [ ! -f "$RESTORED/$each" ] || put_private "$RESTORED/$each" "$ROOT/$each"
    done
    complete_variables
    check_collected
    check_certificates
    step variables write_variables
    step release prepare_release
    step certificates place_certificates
    step images load_images
    step blobs keep_blobs
    step pin-key pin_key
    step switch switch_release
    use_current
    step databases put_databases_back
    end_restore
    compose_up_or_explain
    step counter raise_counter
}

# restore_backup FOLDER: verify it, then put data, volumes, answers, secrets and pinned key back
#
# For the release that is current; the caller holds the lock. Services are stopped afterwards. What was there lies in
# the folder BEFORE. On failure it is put back, and the status is not 0. After an interruption, the same again completes.
restore_backup() {
    verify_backup "$1" || return 1
    begin_restore "$1"
    (
        use_installed
        open_backup "$1"
        check_restore_room
        stop_all
        set_aside
        put_data_back
        put_answers_back
        put_databases_back
    ) || {
        (use_current && undo_restore) || warn restore.not_undone "$BEFORE"
        return 1
    }
    end_restore
}

# check_restore_room: what is there stays, so the backup's files need their room besides
check_restore_room() {
    need=$(count_bytes "$SOURCE") free=$(free_bytes "$ROOT")
    if awk -v need="$need" -v free="$free" 'BEGIN { exit !(free < need) }'; then
        fail $EXIT_FAILED backup.no_room "$ROOT" "$(human "$free")" "$(human "$need")"
    fi
}

stop_all() { compose stop >"$SCRATCH/stop" 2>&1 || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"; }

# put_data_back: can be done again
put_data_back() {
    say restore.copy
    clear_data || fail $EXIT_FAILED release.disk "$ROOT"
    if has_part parents.tar; then
        pour parents.tar unpack_folder "$ROOT/data" ||
            fail $EXIT_FAILED restore.not_read parents.tar "$(tail -n 2 "$SCRATCH/pour-errors")"
    fi
    pour data.tar unpack_folder "$ROOT/data" || fail $EXIT_FAILED restore.not_read data.tar "$(tail -n 2 "$SCRATCH/pour-errors")"
    make_data
}

# put_databases_back: volumes, and what databases handed out; can be done again
put_databases_back() {
    put_volumes_back || exit $EXIT_FAILED
    if [ -n "$(dump_services)" ]; then
        WELL_TIMES=2
        start_dump_services
        feed_databases || exit $EXIT_FAILED
        stop_all
    fi
}

# put_answers_back: answers, secrets and key; and, where it is the same place, the configuration made from them
put_answers_back() {
    for each in site.env secrets.env trusted.pub; do
        has_part "$each" || continue
        target=$ROOT/$each
        [ "$each" != trusted.pub ] || target=$ROOT/state/$each
        pour "$each" cat || fail $EXIT_FAILED restore.damaged "$SOURCE/$each"
        { (umask 077 && cat "$SCRATCH/pour-output" >"$target.new") && mv -f "$target.new" "$target"; } ||
            fail $EXIT_FAILED release.disk "$ROOT"
    done
    values=$SCRATCH/values
    rm -rf "$values"
    mkdir "$values"
    load_values "$ROOT/site.env"
    load_values "$ROOT/secrets.env"
    note_certificates
    write_variables
    if [ "$(backup_fact "$SOURCE" root)" = "$ROOT" ] && [ "$(backup_fact "$SOURCE" release)" = "$RELEASE" ]; then
        rm -rf "$HERE/config.new" "$HERE/config.old"
        { mkdir "$HERE/config.new" && pour config.tar unpack_folder "$HERE/config.new"; } ||
            fail $EXIT_FAILED restore.not_read config.tar "$(tail -n 2 "$SCRATCH/pour-errors")"
        { mv "$HERE/config" "$HERE/config.old" && mv "$HERE/config.new" "$HERE/config"; } || fail $EXIT_FAILED release.disk "$ROOT"
        rm -rf "$HERE/config.old"
    elif ! cmp -s "$ROOT/secrets.env" "$BEFORE/secrets.env" && [ -n "$(rows templates.tsv)" ]; then
        fail $EXIT_FAILED restore.elsewhere "$(backup_fact "$SOURCE" root)" # filled-in files would keep other secrets
    fi
}

# put_volumes_back: Compose makes those that are not there; those that dumps stand for are left empty
put_volumes_back() {
    compose create >"$SCRATCH/up" 2>&1 || fail $EXIT_FAILED restore.no_volumes "$(redact <"$SCRATCH/up" | tail -n 3)"
    for each in $(names dumped | sed -n 's/^volume://p'); do
        here=$(find_volume "${PROJECT}_$each" "$each")
        empty_volume "$here" || fail $EXIT_FAILED restore.volume "$here"
    done
    sed 1d "$SOURCE/volumes.tsv" >"$SCRATCH/kept-volumes"
    while IFS="$TAB" read -r file name key <&5; do
        here=$(find_volume "$name" "$key")
        docker volume inspect "$here" >/dev/null 2>&1 || docker volume create "$here" >/dev/null ||
            fail $EXIT_FAILED restore.volume "$here"
        empty_volume "$here" || fail $EXIT_FAILED restore.volume "$here"
        pour "$file" unpack_volume "$here" || fail $EXIT_FAILED restore.not_read "$file" "$(tail -n 2 "$SCRATCH/pour-errors")"
    done 5<"$SCRATCH/kept-volumes"
}

# ---- data/restore: restore a backup; the previous data are kept aside until it succeeds

run_restore() {
    local restored_backup
    require_tools
    [ -n "$WORDS" ] || fail $EXIT_USAGE restore.which "$(backup_names "$ROOT/backups" | tr '\n' ' ')"
    if [ -n "$INSTALLED" ]; then use_installed; else name_release; fi
    find_backup "$WORDS"
    read_once "$SOURCE"
    refuse_plain
    check_list "$SOURCE"
    check_authentic "$SOURCE" # here, so that the passphrase or key is asked for only once
    require_backup "$SOURCE"
    match_release
    say restore.found "$(source_fact name)" "$(source_fact release)" "$(source_fact created)"
    if [ -d "$CURRENT/config" ]; then restore_in_place; else restore_anew; fi
    restored_backup=${WORDS%/}
    write_receipt restore '' "${restored_backup##*/}"
    say restore.done "$SOURCE"
    if [ -z "$BEFORE" ] || [ ! -d "$BEFORE" ]; then return 0; fi
    if [ -n "$JSON" ]; then warn restore.kept "$BEFORE"; else say restore.kept "$BEFORE"; fi
}

# find_backup WORD: a folder, a tar file of one, or a name below <root>/backups; sets SOURCE
find_backup() {
    local each
    case $1 in
        /*) SOURCE=$1 ;;
        *) if [ -e "$ROOT/backups/$1" ]; then SOURCE=$ROOT/backups/$1; else SOURCE=$(pwd -P)/$1; fi ;;
    esac
    if [ -f "$SOURCE" ]; then
        UNPACKED=$ROOT/state/unpacked.$$ # a separate name, because the lock is not held yet
        mkdir -p "$ROOT/state" || fail $EXIT_FAILED journal.root "$ROOT"
        for each in "$ROOT"/state/unpacked*; do # left by killed runs
            if ! is_running "${each##*.}"; then rm -rf "$each"; fi
        done
        { rm -rf "$UNPACKED" && (umask 077 && mkdir "$UNPACKED"); } || fail $EXIT_FAILED release.disk "$ROOT"
        unpack_backup "$SOURCE"
    fi
    { [ -n "$SOURCE" ] && [ -f "$SOURCE/backup.env" ]; } || fail $EXIT_USAGE restore.none "$1"
}

# refuse_plain: if the site encrypts its backups, an unencrypted one was probably not made here
refuse_plain() {
    if [ ! -f "$ROOT/state/encrypts" ] || [ "$(source_fact encrypted)" != no ]; then return 0; fi
    accepts plain-backup || fail $EXIT_VERIFICATION restore.encrypts "$SOURCE"
    warn restore.plain_accepted "$SOURCE"
}

# open_backup FOLDER: prepare passphrase and tar to read what check_backup accepted
open_backup() {
    local salt=''
    SOURCE=$1
    read_once "$1"
    choose_tar
    if [ "$(source_fact encrypted)" != no ]; then
        take_passphrase
        set_rounds "$1"
    fi
}

# match_release: data are restored to the release that wrote them
match_release() {
    local backup_release
    backup_release=$(source_fact release)
    [ ! -d "$CURRENT/config" ] || RELEASE=$(cd -- "$CURRENT" && pwd -P | sed 's|.*/||')
    if [ "$backup_release" != "$RELEASE" ]; then
        accepts release || fail $EXIT_FAILED restore.release "$backup_release" "$RELEASE"
        warn restore.release_accepted "$backup_release" "$RELEASE"
    fi
}

restore_in_place() {
    local recorded=''
    use_installed
    ask restore.ask "$(source_fact created)" "$ROOT" || fail $EXIT_FAILED restore.no
    take_lock
    record begin restore
    restore_backup "$SOURCE" || {
        record failed restore
        fail $EXIT_FAILED restore.failed "$SOURCE"
    }
    record end restore
    start_or_explain
}

# restore_anew: the release comes from this bundle; data, answers and secrets come from the backup
restore_anew() {
    local each ends=''
    open_backup "$SOURCE"
    take_restored
    if [ -d "$ROOT/data" ] && [ -n "$(ls -A "$ROOT/data")" ]; then
        ask restore.ask "$(source_fact created)" "$ROOT" || fail $EXIT_FAILED restore.no
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
    for each in site.env secrets.env; do put_private "$RESTORED/$each" "$ROOT/$each"; done
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
    step initial deliver_initial
    step databases put_databases_back
    tell_edits
    end_restore
    start_or_explain
    step counter raise_counter
}

# take_restored: extract the backup's answers and secrets to the folder RESTORED. They are only data: the site keeps its own
# key, and only a site without one takes the key that the backup was checked with, or the one that the passphrase protects
take_restored() {
    local each key
    RESTORED=$SCRATCH/restored
    { rm -rf "$RESTORED" && (umask 077 && mkdir "$RESTORED"); } || fail_reading "$SOURCE"
    for each in site.env secrets.env; do
        printf '' >"$SCRATCH/pour-output" || fail_reading "$SOURCE"
        if has_part "$each"; then pour "$each" cat || fail_pouring "$each"; fi
        without_key "$SCRATCH/pour-output" >"$RESTORED/$each" || fail_reading "$SOURCE/$each"
    done # the last extracted file has the secrets
    read_site_key
    key=${SITE_KEY:-$BACKUP_KEY}
    if [ -z "$key" ] && [ "$(source_fact encrypted)" = yes ]; then key=$(find_key <"$SCRATCH/pour-output") || key=''; fi
    if [ -n "$key" ]; then
        printf '%s=%s\n' "$SITE_KEY_NAME" "$key" >>"$RESTORED/secrets.env" || fail_reading "$SOURCE/secrets.env"
    fi
    rm -f "$SCRATCH/pour-output"
}

# restore_backup FOLDER: verify it, then restore data, volumes, answers and secrets; the configuration is rendered again from
# them
#
# For the current release; the caller holds the lock. Services are stopped afterwards. The previous data are in the folder
# BEFORE. On failure they are put back, and the status is not 0. After an interruption, the same call completes the restore.
restore_backup() {
    verify_backup "$1" || return 1
    begin_restore "$1"
    (
        use_installed
        open_backup "$1"
        check_restore_room
        create_services --no-recreate || fail $EXIT_FAILED restore.no_volumes "$(redact <"$SCRATCH/up" | tail -n 3)"
        settle_volumes
        stop_services
        set_aside
        put_data_back
        put_answers_back
        rebuild_config
        deliver_initial
        put_databases_back
        tell_edits
    ) || {
        (use_current && undo_restore) || warn restore.not_undone "$BEFORE"
        return 1
    }
    end_restore
}

# check_restore_room: the current data stay, so the backup's files need additional free space
check_restore_room() {
    local need free
    need=$(count_bytes "$SOURCE") free=$(free_bytes "$ROOT")
    { is_number "$need" && is_number "$free"; } || fail_reading "$SOURCE"
    if too_little "$need" "$free"; then
        fail $EXIT_FAILED backup.no_room "$ROOT" "$(human "$free")" "$(human "$need")"
    fi
}

# put_data_back: can be repeated
put_data_back() {
    say restore.copy
    clear_data || fail $EXIT_FAILED release.disk "$ROOT"
    if has_part parents.tar; then
        pour parents.tar unpack_folder "$ROOT/data" || fail_pouring parents.tar
    fi
    pour data.tar unpack_folder "$ROOT/data" || fail_pouring data.tar
    make_data
}

# put_databases_back: volumes and database dumps; can be repeated
put_databases_back() {
    put_volumes_back
    if [ -n "$(dump_services)" ]; then
        WELL_TIMES=2
        start_dump_services
        feed_databases
        stop_services
    fi
}

# put_answers_back: answers and secrets, in the forms that this release supports
put_answers_back() {
    local each
    take_restored
    for each in site.env secrets.env; do
        { cp -- "$RESTORED/$each" "$ROOT/$each.new" && chmod 600 "$ROOT/$each.new" && mv -f "$ROOT/$each.new" "$ROOT/$each"; } ||
            fail $EXIT_FAILED release.disk "$ROOT"
    done
    VALUES=$SCRATCH/values
    { rm -rf "$VALUES" && mkdir "$VALUES"; } || fail_reading "$SOURCE"
    drop_defaults
    load_values "$ROOT/site.env"
    load_values "$ROOT/secrets.env"
    take_defaults
    check_collected
    note_certificates
    write_variables
}

# rebuild_config: if the answers differ, render the configuration from the files of the verified bundle, never from the
# backup. Edits by the operator in this release are kept
rebuild_config() {
    local part
    if same_answers; then return 0; fi
    [ -d "$HERE/.pristine" ] || fail $EXIT_FAILED restore.no_pristine "$RELEASE" # the release was installed before pristine files were kept
    find_edits "$RELEASE"
    if [ "$EDITS" != discard ] || [ "$COMMAND" != restore ]; then EDITS=keep; fi
    part=$SCRATCH/rebuilt
    { rm -rf "$part" && (umask 077 && mkdir "$part" && cp -R -- "$HERE/.pristine" "$part/config"); } || fail_reading "$HERE/.pristine"
    render_config "$part"
    carry_edits
    # in this order: a run that is killed between the two must not mistake a rendered file for an edit
    { update_tree "$part/config" "$HERE/config" && update_tree "$part/.written" "$HERE/.written"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
    rm -rf "$part"
}

# same_answers: whether the backup's answers are those that the configuration was rendered with
same_answers() {
    local values_before name=''
    values_before=$SCRATCH/values-before
    { rows variables.tsv >"$SCRATCH/variable-rows" && rm -rf "$values_before" && mkdir "$values_before"; } || fail_reading "$SOURCE"
    (load_values "$BEFORE/site.env" "$values_before" && load_values "$BEFORE/secrets.env" "$values_before") || fail_reading "$BEFORE"
    while read_variable name; do
        if is_default "$name" && [ ! -f "$values_before/$name" ]; then continue; fi
        [ "$(value "$name")" = "$(value "$name" "$values_before")" ] || return 1
    done <"$SCRATCH/variable-rows"
}

# tell_edits: report edits in the backup's release that this release does not have
tell_edits() {
    local now told what='' digest='' path=''
    has_part edits.tsv || return 0
    pour edits.tsv cat || fail_pouring edits.tsv
    now=$HERE/config told=''
    while read_stored_edit what digest path; do
        case /$path/ in */../* | *[!a-zA-Z0-9._/@+-]*) continue ;; esac
        case $what in
            removed) [ -e "$now/$path" ] || continue ;;
            *) [ ! -f "$now/$path" ] || [ "$(hash_stream <"$now/$path" | cut -c 1-64)" != "$digest" ] || continue ;;
        esac
        told="$told$NEWLINE  config/$path"
    done <"$SCRATCH/pour-output"
    [ -z "$told" ] || warn restore.edits "${told#"$NEWLINE"}"
}

# put_volumes_back: Compose creates missing volumes; volumes that are restored from dumps stay empty
put_volumes_back() {
    local each file='' volume_here='' key=''
    create_services || fail $EXIT_FAILED restore.no_volumes "$(redact <"$SCRATCH/up" | tail -n 3)"
    settle_volumes
    names dumped >"$SCRATCH/dumped" || fail_reading "$HERE"
    sed -n 's/^volume://p' "$SCRATCH/dumped" >"$SCRATCH/dumped-volumes" || fail_reading "$HERE"
    while IFS= read -r each <&5; do
        settle_volume "$(name_volume "$each")" "$each"
        { make_volume "$volume_here" "$each" && empty_volume "$volume_here"; } || fail $EXIT_FAILED restore.volume "$volume_here"
    done 5<"$SCRATCH/dumped-volumes"
    while read_settled_volume file volume_here key <&5; do
        { make_volume "$volume_here" "$key" && empty_volume "$volume_here"; } || fail $EXIT_FAILED restore.volume "$volume_here"
        pour "$file" unpack_volume "$volume_here" || fail_pouring "$file"
    done 5<"$SCRATCH/settled-volumes"
}

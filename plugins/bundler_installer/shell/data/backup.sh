# ---- data/backup: everything that cannot be recreated is saved to one folder, while nothing writes

run_backup() {
    local recorded=''
    require_tools
    if [ -n "$LIST" ]; then
        show_backups
        return
    fi
    use_installed
    if [ -n "$SHOW_KEY" ]; then
        show_site_key
        return
    fi
    [ -z "$ENCRYPT" ] || take_passphrase new
    take_lock
    if [ -z "$ENCRYPT" ] && [ -f "$ROOT/state/encrypts" ]; then warn backup.plain; fi
    RESUME=yes
    record begin backup
    make_backup "${REASON:-manual}" || {
        record failed backup
        fail $EXIT_FAILED backup.failed
    }
    record end backup
    [ -z "$ENCRYPT" ] || note_encrypts
    say backup.done "$BACKUP" "$(human "$(count_bytes "$BACKUP")")"
    prune_backups
}

# note_encrypts: from now on this site refuses to restore unencrypted backups
note_encrypts() { printf '' >"$ROOT/state/encrypts" || fail $EXIT_FAILED release.disk "$ROOT"; }

# make_backup REASON: make <root>/backups/<time>-<release>-<reason>/ of the current release; sets BACKUP
#
# The caller holds the lock. If RESUME is empty, services that ran stay stopped after a success; after a failure they are
# started again in any case. The status is not 0 on failure, and then no folder has the backup's name.
make_backup() {
    local backups release_now backup_code broken='' over='' refused=''
    backups=${OUTPUT:-$ROOT/backups}
    release_now=$(cd -- "$CURRENT" 2>/dev/null && pwd -P) || {
        warn facts.none "$ROOT"
        return 1
    }
    release_now=${release_now##*/}
    while :; do
        BACKUP=$backups/$(date -u '+%Y%m%dT%H%M%SZ')-$release_now-$1
        [ -e "$BACKUP" ] || break
        sleep 1
    done
    PART=$backups/.${BACKUP##*/}.part
    (write_backup "$1") # a failure inside ends only this subshell
    backup_code=$?
    [ "$backup_code" -eq 0 ] || rm -rf "$PART"
    PART=''
    if [ -f "$ROOT/state/stopped" ] && { [ -n "$RESUME" ] || [ "$backup_code" -ne 0 ]; }; then
        (
            use_current
            start_services || {
                explain_failure
                exit $EXIT_FAILED
            }
        ) || backup_code=$EXIT_FAILED
    fi
    return "$backup_code"
}

write_backup() {
    local stale salt=''
    use_current
    RELEASE=$release_now
    require_engine
    choose_tar
    umask 077
    keep_site_key
    BACKUP_KEY=$SITE_KEY
    mkdir -p "$backups" || fail $EXIT_FAILED backup.folder "$backups"
    if [ -f "$ROOT/state/part" ]; then # this run holds the lock, so the run that made it was killed
        stale=$(cat "$ROOT/state/part")
        case $stale in */.*.part) rm -rf "$stale" ;; esac
    fi
    printf '%s\n' "$PART" >"$ROOT/state/part" || fail $EXIT_FAILED release.disk "$ROOT"
    mkdir "$PART" "$PART/volumes" || fail $EXIT_FAILED backup.folder "$backups"
    list_volumes >"$SCRATCH/volumes" || {
        blame_scratch
        lose_target
    }
    { names dumped >"$SCRATCH/dumped" && names disposable >"$SCRATCH/disposable" && names quiesce >"$SCRATCH/quiesce" &&
        list_dumps >"$SCRATCH/dumps" && cut_column dumps.tsv service <"$SCRATCH/dumps" >"$SCRATCH/dumps.services" &&
        sort -u "$SCRATCH/dumps.services" >"$SCRATCH/dumping"; } || fail_reading "$HERE"
    check_backup_room
    say backup.start "$TITLE" "$VERSION" "$BACKUP"
    note_running
    stop_writers
    if [ -s "$SCRATCH/dumping" ]; then start_dump_services; fi
    dump_databases
    halt || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
    say backup.copy
    copy_identity "$1"
    copy_data
    copy_volumes
    seal_backup
}

# check_backup_room: a dump is estimated at the size of the folders that it replaces
check_backup_room() {
    local volume folder each need free
    {
        print_size data "$ROOT/data"
        print_size config "$HERE/config"
        while IFS= read -r volume; do
            if folder=$(volume_folder "$volume"); then print_size "volume:$volume" "$folder"; fi
        done <"$SCRATCH/volumes"
        while IFS= read -r each; do
            case $each in
                volume:*) ;;
                *) printf -- '-%s\n' "$(print_size data "$ROOT/data/$each")" ;;
            esac
        done <"$SCRATCH/disposable"
        while IFS= read -r each; do
            case $each in
                volume:*) ;;
                *) printf -- '-%s\n' "$(print_size dumped "$ROOT/data/$each")" ;;
            esac
        done <"$SCRATCH/dumped"
    } >"$SCRATCH/backup-sizes" || fail_reading "$ROOT"
    need=$(awk '$2 != "dumped" { sum += $1 } END { printf "%.0f\n", sum + 16000000 }' "$SCRATCH/backup-sizes") free=$(free_bytes "$backups")
    { is_number "$need" && is_number "$free"; } || fail_reading "$backups"
    if too_little "$need" "$free"; then
        fail $EXIT_FAILED backup.no_room "$backups" "$(human "$free")" "$(human "$need")"
    fi
}

# print_size WHAT FOLDER: a line of the list of what a backup takes
print_size() { printf '%s %s\n' "$(count_bytes "$2")" "$1"; }

# store_large WHAT NAME COMMAND...: a file of the backup that may take long; WHAT is its entry in the list of sizes
store_large() {
    local large_bytes
    large_bytes=$(awk -v what="$1" '
        $2 == what || what $2 == "datadumped" { sum += $1; n++ }
        END { if (n) printf "%.0f\n", sum; else print "-" }' "$SCRATCH/backup-sizes")
    shift
    expect_file "$PART" "$1${ENCRYPT:+.enc}" "${large_bytes:--}"
    metered backup "$1" store_or_stop "$@"
}

# note_running: record the running containers, to start them again; an interrupted earlier run may have stopped them
note_running() {
    list_running >"$SCRATCH/running" ||
        lose_target
    [ ! -s "$SCRATCH/running" ] || cp "$SCRATCH/running" "$ROOT/state/stopped" || fail $EXIT_FAILED release.disk "$ROOT"
}

# stop_writers: stop services in the declared order, then all others except those in which dumps are made
stop_writers() {
    local service others
    while IFS= read -r service <&5; do
        halt "$service" ||
            fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
    done 5<"$SCRATCH/quiesce"
    { rows services.tsv >"$SCRATCH/service-rows" &&
        others=$(awk -F "$TAB" -v dumping="$SCRATCH/dumping" "$AWK_SERVICE"'
            BEGIN { while ((getline line < dumping) > 0) kept[line] }
            !($SERVICE["service"] in kept) { print $SERVICE["service"] }' "$SCRATCH/service-rows"); } || fail_reading "$HERE"
    [ -n "$others" ] || return 0
    # shellcheck disable=SC2086 # word splitting is intended: names of services
    halt $others || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

# copy_identity REASON: sets `salt`; save the identity of the release, its answers and secrets and, for reference, its
# configuration
copy_identity() {
    local made
    made=$(date -u '+%Y-%m-%dT%H:%M:%SZ') salt=''
    if [ -n "$ENCRYPT" ]; then
        salt=$(openssl rand -hex 8)
        is_hex "$salt" 16 || fail $EXIT_FAILED site-key.not_made
    fi
    {
        printf 'format=1\nname=%s\nversion=%s\nprofile=%s\nproject=%s\n' "$NAME" "$VERSION" "$PROFILE" "$PROJECT" &&
            printf 'release=%s\nreason=%s\ncreated=%s\n' "$RELEASE" "$1" "$made" &&
            printf 'root=%s\ntar=%s\nencrypted=%s\n' "$ROOT" "$TAR_KIND" "${ENCRYPT:-no}" &&
            { [ -z "$ENCRYPT" ] || printf 'rounds=%s\nsalt=%s\n' "$CRYPT_ROUNDS" "$salt"; }
    } >"$PART/backup.env" || fail $EXIT_FAILED release.disk "$backups"
    cp "$FACTS/images.tsv" "$PART/images.tsv" || fail $EXIT_FAILED release.disk "$backups"
    cp "$FACTS/SHA256SUMS" "$PART/release.sha256" || fail $EXIT_FAILED release.disk "$backups"
    [ ! -f "$ROOT/site.env" ] || store_or_stop site.env cat "$ROOT/site.env"
    # the key that authenticates a backup must not be readable in it by anyone who can write to it
    if [ -n "$ENCRYPT" ]; then store_or_stop secrets.env cat "$ROOT/secrets.env"; else store_or_stop secrets.env without_key "$ROOT/secrets.env"; fi
    store_or_stop config.tar pack_folder "$HERE/config"
    find_edits "$RELEASE"
    store_or_stop edits.tsv print_edits
}

# print_edits: the operator's edits of the configuration, with the digests of the edited files
print_edits() {
    local digest what='' path=''
    while read_edit what path; do
        digest=-
        if [ -f "$EDITED/config/$path" ] && [ "$what" != removed ]; then
            digest=$(hash_stream <"$EDITED/config/$path" | cut -c 1-64)
            is_hex "$digest" 64 || return 1
        fi
        printf '%s\t%s\t%s\n' "$what" "$digest" "$path" || return 1
    done <"$SCRATCH/edits"
}

# copy_data: <root>/data, without folders that dumps replace and disposable ones
copy_data() {
    local left_out
    left_out=$(sed '/^volume:/d' "$SCRATCH/dumped" "$SCRATCH/disposable") || fail_reading "$SCRATCH"
    # shellcheck disable=SC2086 # word splitting is intended: paths of the bundle contain no blanks
    {
        [ -n "$TAR_EXCLUDES" ] || store_or_stop parents.tar pack_parents "$ROOT/data" '.before-restore-*' $left_out
        store_large data data.tar pack_folder "$ROOT/data" '.before-restore-*' $left_out
    }
}

copy_volumes() {
    local number volume key folder
    printf '#file\tname\tkey\n' >"$PART/volumes.tsv" || fail $EXIT_FAILED release.disk "$backups"
    number=0
    while read -r volume <&5; do
        key=$(volume_key "$volume")
        if ! has_name "$volume"; then
            # an image may declare a volume that its service never writes to
            if ! folder=$(volume_folder "$volume") || [ -n "$(ls -A "$folder")" ]; then
                warn backup.unnamed "$(volume_users "$volume")"
            fi
            continue
        fi
        if cat "$SCRATCH/dumped" "$SCRATCH/disposable" | grep -qxF -e "volume:$key"; then continue; fi
        number=$((number + 1))
        printf '%s\t%s\t%s\n' "volumes/$number.tar" "$volume" "$key" >>"$PART/volumes.tsv" ||
            fail $EXIT_FAILED release.disk "$backups"
        store_large "volume:$volume" "volumes/$number.tar" pack_volume "$volume"
    done 5<"$SCRATCH/volumes"
}

# seal_backup: add digests of all its files and the code that authenticates them, then give it its name
seal_backup() {
    local sealed each
    { (cd -- "$PART" && find . -type f) >"$SCRATCH/sealed.raw" && sed 's|^\./||' "$SCRATCH/sealed.raw" >"$SCRATCH/sealed.names" &&
        LC_ALL=C sort "$SCRATCH/sealed.names" >"$SCRATCH/sealed" && tr '\n' '\0' <"$SCRATCH/sealed" >"$SCRATCH/sealed.nul" &&
        expect_files "$PART" <"$SCRATCH/sealed" && metered seal '' hash_below "$PART" "$SCRATCH/sealed.nul" "$SCRATCH/found" && cut -c 1-64 "$SCRATCH/found" >"$SCRATCH/found.digests" &&
        paste -d ' ' "$SCRATCH/found.digests" "$SCRATCH/sealed" >"$SCRATCH/pairs"; } || fail_reading "$PART"
    sed 's/ /  /' "$SCRATCH/pairs" >"$PART/SHA256SUMS" || fail $EXIT_FAILED release.disk "$backups"
    sealed=$(wc -l <"$SCRATCH/sealed.raw")
    for each in sealed.names sealed found found.digests pairs; do
        [ "$(wc -l <"$SCRATCH/$each")" -eq "$sealed" ] || fail_reading "$PART"
    done
    { [ "$sealed" -gt 0 ] && [ "$(wc -l <"$PART/SHA256SUMS")" -eq "$sealed" ]; } || fail $EXIT_FAILED release.disk "$backups"
    authenticate "$PART/SHA256SUMS" "$salt" >"$SCRATCH/mac" || {
        blame_scratch
        fail $EXIT_FAILED authentic.no_code
    }
    { cp "$SCRATCH/mac" "$PART/SHA256SUMS.hmac" && [ "$(wc -c <"$PART/SHA256SUMS.hmac")" -eq 65 ]; } || fail $EXIT_FAILED release.disk "$backups"
    (cd -- "$PART" && find . -type f -exec chmod 600 {} +) || fail $EXIT_FAILED release.disk "$backups"
    { { (cd -- "$PART" && xargs -0 sync -- SHA256SUMS SHA256SUMS.hmac <"$SCRATCH/sealed.nul" 2>/dev/null) || sync; } &&
        cp "$PART/backup.env" "$ROOT/state/last-backup.new"; } || fail $EXIT_FAILED release.disk "$backups"
    mv -- "$PART" "$BACKUP" || fail $EXIT_FAILED release.disk "$backups"
    { flush "$backups" && mv -f "$ROOT/state/last-backup.new" "$ROOT/state/last-backup"; } || {
        rm -rf "$BACKUP" # it may not survive a power failure, and a failed backup must not look like a backup
        fail $EXIT_FAILED release.disk "$backups"
    }
    rm -f "$ROOT/state/part"
}

# clean_backup: remove an unfinished backup when a signal ends the run
clean_backup() {
    if [ -n "$UNPACKED" ]; then
        rm -rf "$UNPACKED"
        rmdir "$ROOT/state" "$ROOT" 2>/dev/null || :
    fi
    [ -n "$PART" ] || return 0
    if [ -f "$ROOT/state/stopped" ]; then
        # shellcheck disable=SC2046 # word splitting is intended
        start_again $(cat "$ROOT/state/stopped") && rm -f "$ROOT/state/stopped"
    fi
    rm -rf "$PART"
}

clean_at_exit clean_backup

# ---- backup: all that cannot be made again, in a folder of its own, while nothing writes

run_backup() {
    require_tools
    if [ -n "$LIST" ]; then
        show_backups
        return
    fi
    use_installed
    [ -z "$ENCRYPT" ] || take_passphrase new
    take_lock
    RESUME=yes
    record begin backup
    make_backup "${REASON:-manual}" || {
        record failed backup
        fail $EXIT_FAILED backup.failed
    }
    record end backup
    say backup.done "$BACKUP" "$(human "$(count_bytes "$BACKUP")")"
    prune_backups
}

# make_backup REASON: make <root>/backups/<time>-<release>-<reason>/ of the release that is current; sets BACKUP
#
# The caller holds the lock. Where RESUME is empty, services that ran stay stopped after a success; after a failure they
# are started again in any case. Returns non-zero on failure, and then no folder has the backup's name.
make_backup() {
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
    (write_backup "$1") # what fails inside ends this subshell only
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
    use_current
    RELEASE=$release_now
    require_engine
    choose_tar
    umask 077
    mkdir -p "$backups" || fail $EXIT_FAILED backup.folder "$backups"
    if [ -f "$ROOT/state/part" ]; then # the lock is ours: the run that made it was killed
        stale=$(cat "$ROOT/state/part")
        case $stale in */.*.part) rm -rf "$stale" ;; esac
    fi
    printf '%s\n' "$PART" >"$ROOT/state/part" || fail $EXIT_FAILED release.disk "$ROOT"
    mkdir "$PART" "$PART/volumes" || fail $EXIT_FAILED backup.folder "$backups"
    list_volumes >"$SCRATCH/volumes" || fail $EXIT_FAILED engine.no_docker
    check_backup_room
    say backup.start "$TITLE" "$VERSION" "$BACKUP"
    note_running
    stop_writers
    if [ -n "$(dump_services)" ]; then start_dump_services; fi
    dump_databases || exit $EXIT_FAILED
    compose stop >"$SCRATCH/stop" 2>&1 || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
    say backup.copy
    copy_identity "$1"
    copy_data
    copy_volumes || exit $EXIT_FAILED
    seal_backup
}

# check_backup_room: dumps count as much as the folders that they stand for
check_backup_room() {
    {
        count_bytes "$ROOT/data"
        count_bytes "$HERE/config"
        while read -r volume; do
            if folder=$(volume_folder "$volume"); then count_bytes "$folder"; fi
        done <"$SCRATCH/volumes"
        for each in $(names disposable); do
            case $each in
                volume:*) ;;
                *) count_bytes "$ROOT/data/$each" | sed 's/^/-/' ;;
            esac
        done
    } | awk '{ sum += $1 } END { printf "%.0f\n", sum + 16000000 }' >"$SCRATCH/backup-need"
    need=$(cat "$SCRATCH/backup-need") free=$(free_bytes "$backups")
    if awk -v need="$need" -v free="$free" 'BEGIN { exit !(free < need) }'; then
        fail $EXIT_FAILED backup.no_room "$backups" "$(human "$free")" "$(human "$need")"
    fi
}

# note_running: whether there is something to start again; an interrupted earlier run may have stopped it
note_running() {
    docker ps -q --no-trunc --filter "label=com.docker.compose.project=$PROJECT" >"$SCRATCH/running" ||
        fail $EXIT_FAILED engine.no_docker
    [ ! -s "$SCRATCH/running" ] || cp "$SCRATCH/running" "$ROOT/state/stopped" || fail $EXIT_FAILED release.disk "$ROOT"
}

# stop_writers: in the declared order, then every other service but those that dumps run in
stop_writers() {
    for service in $(names quiesce); do
        compose stop "$service" >"$SCRATCH/stop" 2>&1 ||
            fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
    done
    dump_services >"$SCRATCH/dumping"
    others=$(rows services.tsv | awk -F "$TAB" -v dumping="$SCRATCH/dumping" '
        BEGIN { while ((getline line < dumping) > 0) kept[line] }
        !($1 in kept) { print $1 }')
    [ -n "$others" ] || return 0
    # shellcheck disable=SC2086 # splitting is wanted: names of services
    compose stop $others >"$SCRATCH/stop" 2>&1 || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

# store NAME COMMAND...: what the command prints becomes a file of the backup; both ends must succeed
store() {
    stored=$1
    shift
    if [ -z "$ENCRYPT" ]; then
        "$@" >"$PART/$stored" 2>"$SCRATCH/store-errors"
        return
    fi
    rm -f "$SCRATCH/store-failed"
    { "$@" 2>"$SCRATCH/store-errors" || : >"$SCRATCH/store-failed"; } |
        encrypt >"$PART/$stored.enc" 2>"$SCRATCH/crypt-errors" || {
        cat "$SCRATCH/crypt-errors" >>"$SCRATCH/store-errors"
        return 1
    }
    [ ! -f "$SCRATCH/store-failed" ]
}

# store_or_stop NAME COMMAND...
store_or_stop() {
    store "$@" || fail $EXIT_FAILED backup.not_written "$1" "$(tail -n 2 "$SCRATCH/store-errors")"
}

# copy_identity REASON: what release this is of, its answers, secrets, pinned key and configuration
copy_identity() {
    {
        printf 'format=1\nname=%s\nversion=%s\nprofile=%s\nproject=%s\n' "$NAME" "$VERSION" "$PROFILE" "$PROJECT"
        printf 'release=%s\nreason=%s\ncreated=%s\n' "$RELEASE" "$1" "$(date -u '+%Y-%m-%dT%H:%M:%SZ')"
        printf 'root=%s\ntar=%s\nencrypted=%s\n' "$ROOT" "$TAR_KIND" "${ENCRYPT:-no}"
        [ -z "$ENCRYPT" ] || printf 'rounds=%s\nsalt=%s\n' "$CRYPT_ROUNDS" "$(openssl rand -hex 8)"
    } >"$PART/backup.env" || fail $EXIT_FAILED release.disk "$backups"
    cp "$FACTS/images.tsv" "$PART/images.tsv" || fail $EXIT_FAILED release.disk "$backups"
    cp "$FACTS/SHA256SUMS" "$PART/release.sha256" || fail $EXIT_FAILED release.disk "$backups"
    for each in site.env secrets.env state/trusted.pub; do
        [ ! -f "$ROOT/$each" ] || store_or_stop "${each##*/}" cat "$ROOT/$each"
    done
    store_or_stop config.tar pack_folder "$HERE/config"
}

# copy_data: <root>/data but what dumps stand for and what is not worth it
copy_data() {
    left_out=$({ names dumped && names disposable; } | grep -v '^volume:')
    # shellcheck disable=SC2086 # splitting is wanted: paths of the bundle hold no blanks
    {
        [ -n "$TAR_EXCLUDES" ] || store_or_stop parents.tar pack_parents "$ROOT/data" '.before-restore-*' $left_out
        store_or_stop data.tar pack_folder "$ROOT/data" '.before-restore-*' $left_out
    }
}

copy_volumes() {
    printf '#file\tname\tkey\n' >"$PART/volumes.tsv"
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
        case $NEWLINE$({ names dumped && names disposable; })$NEWLINE in *"${NEWLINE}volume:$key$NEWLINE"*) continue ;; esac
        number=$((number + 1))
        printf '%s\t%s\t%s\n' "volumes/$number.tar" "$volume" "$key" >>"$PART/volumes.tsv"
        store_or_stop "volumes/$number.tar" pack_volume "$volume"
    done 5<"$SCRATCH/volumes"
}

# seal_backup: digests of all its files, then its name
seal_backup() {
    (cd -- "$PART" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$SCRATCH/sealed"
    (cd -- "$PART" && tr '\n' '\0' <"$SCRATCH/sealed" | hash_files) | cut -c 1-64 | paste -d ' ' - "$SCRATCH/sealed" |
        sed 's/ /  /' >"$PART/SHA256SUMS" || fail $EXIT_FAILED release.disk "$backups"
    [ "$(wc -l <"$PART/SHA256SUMS")" -eq "$(wc -l <"$SCRATCH/sealed")" ] || fail $EXIT_FAILED release.disk "$backups"
    if [ -n "$ENCRYPT" ]; then
        authenticate "$PART/SHA256SUMS" "$(backup_fact "$PART" salt)" >"$PART/SHA256SUMS.hmac" ||
            fail $EXIT_FAILED release.disk "$backups"
        [ -s "$PART/SHA256SUMS.hmac" ] || fail $EXIT_FAILED release.disk "$backups"
    fi
    (cd -- "$PART" && find . -type f -exec chmod 600 {} +) || fail $EXIT_FAILED release.disk "$backups"
    (cd -- "$PART" && sed 's|^|./|' "$SCRATCH/sealed" | tr '\n' '\0' | xargs -0 sync -- SHA256SUMS 2>/dev/null) || sync
    mv -- "$PART" "$BACKUP" || fail $EXIT_FAILED release.disk "$backups"
    flush "$backups"
    cp "$BACKUP/backup.env" "$ROOT/state/last-backup"
    rm -f "$ROOT/state/part"
}

# backup_fact FOLDER KEY: a value of backup.env
backup_fact() { sed -n "s/^$2=//p" "$1/backup.env" 2>/dev/null | sed -n 1p; }

# clean_backup: when a signal ends the run in the middle
clean_backup() {
    if [ -n "$UNPACKED" ]; then
        rm -rf "$UNPACKED"
        rmdir "$ROOT/state" "$ROOT" 2>/dev/null || :
    fi
    [ -n "$PART" ] || return 0
    if [ -f "$ROOT/state/stopped" ]; then
        # the engine goes on stopping what it was told to stop, and takes a start before that for done. Within limits: no
        # signal ends this part
        # shellcheck disable=SC2046 # splitting is wanted
        set -- $(cat "$ROOT/state/stopped")
        within 600 docker stop "$@" >/dev/null 2>&1
        within 120 docker start "$@" >/dev/null 2>&1 && rm -f "$ROOT/state/stopped"
    fi
    rm -rf "$PART"
}

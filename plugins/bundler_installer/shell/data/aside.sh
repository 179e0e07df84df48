# ---- data/aside: what a restore replaces is kept until the restore succeeds, and put back if it fails

# begin_restore FOLDER: record what is restored and where the current data are set aside: the same place if it is repeated
begin_restore() {
    BEFORE=$(sed -n 's/^before=//p' "$ROOT/state/restore" 2>/dev/null)
    [ -n "$BEFORE" ] || BEFORE=${CHANGE_ASIDE:-}
    [ -n "$BEFORE" ] || BEFORE=$(name_aside)
    case $BEFORE in
        "$ROOT"/data.before-restore-*[!0-9TZ]* | "$ROOT"/data.before-restore-) fail $EXIT_FAILED restore.damaged "$ROOT/state/restore" ;;
        "$ROOT"/data.before-restore-*) ;;
        *) fail $EXIT_FAILED restore.damaged "$ROOT/state/restore" ;;
    esac
    { printf 'backup=%s\nbefore=%s\n' "$1" "$BEFORE" >"$ROOT/state/restore.new" &&
        flush "$ROOT/state/restore.new" &&
        mv -f "$ROOT/state/restore.new" "$ROOT/state/restore" &&
        (umask 077 && mkdir -p "$BEFORE/volumes"); } || fail $EXIT_FAILED release.disk "$ROOT"
}

name_aside() { printf '%s\n' "$ROOT/data.before-restore-$(date -u '+%Y%m%dT%H%M%SZ')"; }

# end_restore: the restore succeeded; remove the folder if nothing was set aside
end_restore() {
    if [ ! -d "$ROOT/data/.before-restore-${BEFORE##*-}" ] &&
        [ -z "$(find "$BEFORE" ! -type d ! -name complete | sed -n 1p)" ]; then
        drop_before
    fi
    rm -f "$ROOT/state/restore"
}

# set_aside: data are renamed, volumes are copied. Done once, even if the restore is repeated
set_aside() {
    local each volume
    keep_config
    [ ! -f "$BEFORE/complete" ] || return 0
    choose_tar
    for each in site.env secrets.env state/compose.env; do
        [ ! -f "$ROOT/$each" ] || cp -p "$ROOT/$each" "$BEFORE/${each##*/}" || fail $EXIT_FAILED release.disk "$ROOT"
    done
    list_volumes >"$SCRATCH/volumes" || {
        blame_scratch
        lose_target
    }
    while read -r volume <&5; do
        has_name "$volume" || continue
        expect_file "$BEFORE/volumes" "$volume.tar" -
        metered aside "$volume" keep_volume || fail $EXIT_FAILED release.disk "$ROOT"
    done 5<"$SCRATCH/volumes"
    if [ -d "$ROOT/data" ] && [ ! -d "$BEFORE/data" ]; then
        # a data folder that is a link or a mount point stays; its content is moved within it
        if [ -L "$ROOT/data" ] || ! mv -- "$ROOT/data" "$BEFORE/data" 2>/dev/null; then
            move_content "$ROOT/data" "$ROOT/data/.before-restore-${BEFORE##*-}" || fail $EXIT_FAILED release.disk "$ROOT"
        fi
    fi
    { printf '' >"$BEFORE/complete" && flush "$BEFORE/complete"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# keep_volume: set `volume` aside
keep_volume() { (umask 077 && pack_volume "$volume" >"$BEFORE/volumes/$volume.tar"); }

# keep_config: keep the configuration of an installed release as it is before the restore
keep_config() {
    local kept_config
    kept_config=$BEFORE/releases/${HERE##*/}
    if [ ! -d "$HERE/.written" ] || [ -d "$kept_config" ]; then return 0; fi
    { rm -rf "$BEFORE/.part" && (umask 077 && mkdir -p "$BEFORE/releases" "$BEFORE/.part") &&
        cp -p -R -- "$HERE/config" "$HERE/.written" "$BEFORE/.part/" && mv -- "$BEFORE/.part" "$kept_config"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
}

# move_content FOLDER INTO: move everything except folders that an earlier restore set aside
move_content() {
    if [ -L "$2" ]; then return 1; fi # a planted link
    mkdir -p "$2" || return 1
    (cd -- "$1" && find . ! -name . -prune ! -name '.before-restore-*' -exec mv {} "$2/" \;) || return 1
    [ -z "$(cd -- "$1" && find . ! -name . -prune ! -name '.before-restore-*')" ]
}

# clear_data: remove what an incomplete restore has written
clear_data() {
    mkdir -p "$ROOT/data" || return 1
    (cd -- "$ROOT/data" && find . ! -name . -prune ! -name '.before-restore-*' -exec rm -rf {} +)
}

# undo_restore: put the previous data back, with services stopped
undo_restore() {
    local inner each kept_config file volume_here
    if [ ! -f "$BEFORE/complete" ]; then # there are only copies, or moving the data was interrupted
        [ -d "$BEFORE/data" ] || [ -d "$ROOT/data/.before-restore-${BEFORE##*-}" ] || {
            rm -rf "$BEFORE"
            rm -f "$ROOT/state/restore"
            return 0
        }
    fi
    say restore.undo
    choose_tar
    halt || return 1
    inner=$ROOT/data/.before-restore-${BEFORE##*-}
    if [ -d "$BEFORE/data" ]; then
        { rm -rf "$ROOT/data" && mv -- "$BEFORE/data" "$ROOT/data"; } || return 1
    elif [ -d "$inner" ]; then
        [ ! -f "$BEFORE/complete" ] || clear_data || return 1
        { (cd -- "$inner" && find . ! -name . -prune -exec mv {} "$ROOT/data/" \;) && rmdir "$inner"; } || return 1
    fi
    for each in site.env secrets.env; do
        [ ! -f "$BEFORE/$each" ] || cp -p "$BEFORE/$each" "$ROOT/$each" || return 1
    done
    [ ! -f "$BEFORE/compose.env" ] || cp -p "$BEFORE/compose.env" "$ROOT/state/compose.env" || return 1
    kept_config=$BEFORE/releases/${HERE##*/}
    if [ -d "$kept_config" ]; then
        { update_tree "$kept_config/config" "$HERE/config" && update_tree "$kept_config/.written" "$HERE/.written"; } || return 1
    fi
    list_volumes >"$SCRATCH/own-volumes" || return 1
    for file in "$BEFORE"/volumes/*.tar; do
        if [ ! -f "$file" ] || [ ! -f "$BEFORE/complete" ]; then continue; fi
        volume_here=${file##*/} volume_here=${volume_here%.tar}
        is_own_volume "$volume_here" || return 1
        printf '%s\n' "${file##*/}" | expect_files "$BEFORE/volumes"
        { empty_volume "$volume_here" && metered restore "${file##*/}" refill_volume; } || return 1
    done
    rm -rf "$BEFORE"
    rm -f "$ROOT/state/restore"
}

# refill_volume: put the content of `volume_here` back from `file`
refill_volume() { unpack_volume "$volume_here" <"$file"; }

# drop_before: remove what the last restore set aside. Only for a caller that knows it is worthless
drop_before() {
    case ${BEFORE:-} in "$ROOT"/data.before-restore-*) rm -rf "$BEFORE" "$ROOT/data/.before-restore-${BEFORE##*-}" ;; esac
}

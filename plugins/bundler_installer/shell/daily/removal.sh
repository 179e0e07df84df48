# ---- daily/removal: remove the services; data of the application stay unless they are named

run_uninstall() {
    local kept removed each own_images cron='' mark='' unit='' units='' recorded=''
    [ -d "$ROOT/state" ] || fail $EXIT_FAILED facts.none "$ROOT"
    kept='' removed=''
    for each in data volumes secrets images backups engine; do
        case $each in
            backups) [ -n "$(list_backups)" ] || continue ;;
            engine) [ -f "$ROOT/state/engine" ] || continue ;;
            data | images) target_has "$each" || continue ;;
        esac
        if purges "$each"; then removed="$removed${removed:+ }$each"; else kept="$kept${kept:+ }$each"; fi
    done
    say uninstall.start "$TITLE" "$ROOT" "${removed:-$(format uninstall.nothing)}" "${kept:-$(format uninstall.nothing)}"
    if purges secrets && ! purges backups && [ -n "$(backup_names "$ROOT/backups")" ]; then warn site-key.purged "$ROOT/backups"; fi
    if purges backups && [ -n "$(list_backups)" ]; then warn uninstall.backups "$(list_backups)"; fi
    ask uninstall.ask || fail $EXIT_FAILED uninstall.no
    take_lock
    RELEASE=-
    own_images=$(rows images.tsv | awk 'END { print NR }')
    # a timer would start a program that is gone
    name_schedule
    if is_scheduled; then remove_schedule; fi
    if [ -d "$CURRENT/config" ]; then
        use_installed
        record begin uninstall
        note_volumes
        remove_services
    fi
    # what an earlier uninstallation kept can be named now: its containers are gone, so the release is not needed for it
    if purges volumes && target_answers; then remove_volumes; fi
    if purges images && target_answers; then remove_images; fi
    rm -rf "${ROOT:?}/blobs" "$ROOT/state/answers"
    # in an order in which a second run can complete an interrupted first one
    if purges data; then rm -rf "${ROOT:?}/data"; fi
    if purges secrets; then
        drop_secrets
        rm -f "$ROOT/secrets.env" "$ROOT/site.env"
    fi
    if purges backups; then rm -rf "${ROOT:?}/backups" "$ROOT/edits" "$ROOT"/data.before-restore-*; fi
    rm -rf "${ROOT:?}/releases" "$ROOT/${NAME}ctl"
    rm -f "$CURRENT" "$ROOT/state/compose.env" "$ROOT/state/change" "$ROOT/state/change.return" "$ROOT/state/previous" "$ROOT/state/finished" "$ROOT/state/mount-key" "$ROOT/state/replicas" "$ROOT/state/kinds"
    # last, because the steps above need it
    if purges engine && [ -f "$ROOT/state/engine" ]; then remove_engine; fi
    record end uninstall
    if purges data && purges secrets; then
        rm -rf "$ROOT/support" "$ROOT/receipts"
        rm -f "$ROOT/state/receipt.key"
    fi
    # what an operator made or may need stays, unless it is named
    if purges data && purges secrets && [ -z "$(list_kept)" ] && [ ! -f "$ROOT/state/engine" ] && [ ! -f "$ROOT/state/adopt" ]; then
        release_lock
        LOG=''
        rm -rf "${ROOT:?}/state" "$ROOT/log"
        rmdir "$ROOT" 2>/dev/null || :
    fi
    say uninstall.done
    # containers stopped by an adoption stay stopped, even after a reboot
    if [ -f "$ROOT/state/adopt" ]; then warn adopt.still_stopped "$(note_field adopt from)" "$ROOT"; fi
    [ ! -d "$ROOT" ] || explain_left
}

# explain_left: what stays, and how to remove it
explain_left() {
    local own
    own=$(list_own | sed "s/.*/'&'/" | tr '\n' ' ')
    list_left | print_columns 0 2 >"$SCRATCH/left"
    say uninstall.left "$(cat "$SCRATCH/left")"
    if [ -n "$kept" ]; then say uninstall.purge "$ROOT" "$(printf '%s' "$kept" | tr ' ' ',')"; fi
    [ -z "$own" ] || say uninstall.own "${own% }"
}

# list_left: lines `what<TAB>where`
list_left() {
    local each
    for each in $kept; do
        case $each in
            data) [ ! -d "$ROOT/data" ] || printf 'data\t%s\n' "$ROOT/data" ;;
            secrets) [ ! -f "$ROOT/secrets.env" ] || printf 'secrets\t%s, %s\n' "$ROOT/secrets.env" "$ROOT/site.env" ;;
            volumes) [ ! -s "$ROOT/state/volumes" ] || printf 'volumes\t%s\n' "$(sort -u "$ROOT/state/volumes" | awk 'NF { printf "%s%s", comma, $0; comma = ", " }')" ;;
            images) printf 'images\t%s\n' "$(format uninstall.images "$own_images")" ;;
            backups) list_backups | sed "s/^/backups$TAB/" ;;
            engine) printf 'engine\t%s\n' "$(format uninstall.engine)" ;;
        esac
    done
    for each in receipts support; do
        [ ! -d "$ROOT/$each" ] || printf '%s\t%s\n' "$each" "$ROOT/$each"
    done
    list_own | while IFS= read -r each; do printf '%s\t%s\n' "${each##*/}" "$each"; done
    printf 'state, log\t%s, %s\n' "$ROOT/state" "$ROOT/log"
}

# list_backups: backups, edits that were put aside, and data from before a restore
list_backups() {
    local each
    for each in "$ROOT/backups" "$ROOT/edits" "$ROOT"/data.before-restore-*; do
        if [ -e "$each" ] || [ -L "$each" ]; then printf '%s\n' "$each"; fi
    done
}

# list_own: files of the operator in the root, which are never removed
list_own() {
    local each
    list_kept | while IFS= read -r each; do
        case ${each#"$ROOT/"} in
            data | secrets.env | site.env | receipts | support | backups | edits | data.before-restore-*) ;;
            *) printf '%s\n' "$each" ;;
        esac
    done
}

remove_volumes() {
    local volume
    {
        cat "$ROOT/state/volumes" 2>/dev/null
        list_project_volumes
    } | sort -u | while read -r volume; do
        [ -n "$volume" ] || continue
        volume_exists "$volume" || continue
        drop_volume "$volume" || warn uninstall.volume_kept "$volume"
    done
    rm -f "$ROOT/state/volumes"
}

# list_kept: entries of the root other than those of every installation
list_kept() {
    local each
    for each in "$ROOT"/* "$ROOT"/.[!.]*; do
        case ${each##*/} in state | log | '*' | '.[!.]*') ;; *) printf '%s\n' "$each" ;; esac
    done
}

# remove_images: of every release that exists, by their names and, if a later release took over the name, by their IDs
remove_images() {
    local tables each reference='' manifest='' config=''
    for tables in "$FACTS" "$ROOT"/releases/*; do
        [ ! -f "$tables/images.tsv" ] || rows_of "$tables" images.tsv
    done | sort -u | while read_image reference manifest config; do
        for each in "$reference" "$config" "$manifest"; do
            image_exists "$each" || continue
            drop_image "$each" || warn uninstall.image_kept "$reference"
        done
    done
}

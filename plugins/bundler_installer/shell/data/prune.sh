# ---- data/prune: old backups are removed by a rule: only complete ones of this application, and never one that a rollback
# needs

# backup_fact FOLDER KEY: a value of backup.env, unverified. Only for lists; a restore uses source_fact
backup_fact() { sed -n "s/^$2=//p" "$1/backup.env" 2>/dev/null | sed -n 1p; }

# backup_names FOLDER: the backups of this application and root in the folder, oldest first
backup_names() {
    local each
    for each in "$1"/[0-9]*T[0-9]*Z-*; do
        case ${each##*/} in *[!A-Za-z0-9._-]*) continue ;; esac
        if [ ! -f "$each/backup.env" ] || [ -L "$each" ]; then continue; fi
        if [ "$(backup_fact "$each" name)" = "$NAME" ]; then printf '%s\n' "${each##*/}"; fi
    done | LC_ALL=C sort
}

# prune_backups: all but the newest --keep of those made at this root by hand or by schedule; after a scheduled one, all but
# as many scheduled ones as the profile says
prune_backups() {
    local keep kinds unpruned=''
    keep=$KEEP kinds='manual scheduled'
    if [ -z "$keep" ] && [ "$REASON" = scheduled ]; then keep=$(number_fact backup_keep) kinds=scheduled; fi
    prune_kinds "${keep:-0}" "$kinds" || fail $EXIT_FAILED prune.failed "$unpruned"
}

# prune_automatic: the same for backups that changes of the release made, whether or not the change succeeded. A failure is
# only a warning
prune_automatic() {
    local unpruned=''
    prune_kinds "${KEEP:-$(number_fact backup_keep)}" 'upgrade rollback forward' || warn prune.failed "$unpruned"
}

# prune_kinds KEEP REASONS: 0 keeps all; if a backup cannot be removed, the status is 1; sets `unpruned` to it
prune_kinds() {
    local backups name count
    backups=${OUTPUT:-$ROOT/backups}
    rm -rf "$backups"/.[0-9]*T[0-9]*Z-*.pruned # left by a killed run
    [ "$1" -gt 0 ] || return 0
    backup_names "$backups" >"$SCRATCH/backups" || fail_reading "$backups"
    while read -r name; do
        [ "$(backup_fact "$backups/$name" root)" = "$ROOT" ] || continue
        case " $2 " in *" $(backup_fact "$backups/$name" reason) "*) printf '%s\n' "$name" || fail_reading "$backups" ;; esac
    done <"$SCRATCH/backups" >"$SCRATCH/prunable" || fail_reading "$backups"
    count=$(wc -l <"$SCRATCH/prunable")
    awk -v spare=$((count - $1)) 'NR <= spare' "$SCRATCH/prunable" >"$SCRATCH/pruned" || fail_reading "$backups"
    while read -r name <&5; do
        # keep the one just made, which looks like the oldest by name if the clock was set back
        if [ "$backups/$name" = "${BACKUP:-}" ] || backup_is_needed "$name"; then continue; fi
        unpruned=$backups/$name
        # rename it first: a partly removed backup must not look like a backup
        { mv -- "$backups/$name" "$backups/.$name.pruned" && rm -rf "$backups/.$name.pruned"; } || return 1
        say prune.removed "$backups/$name"
    done 5<"$SCRATCH/pruned"
}

# backup_is_needed NAME: a note of an upgrade, a rollback or a restore names it, or cannot be read
backup_is_needed() {
    local note
    for note in "$ROOT"/state/*; do
        if [ -f "$note" ] && [ "${note##*/}" != journal ] && [ "${note##*/}" != last-backup ]; then
            grep -qF -- "$1" "$note"
            [ $? -eq 1 ] || return 0
        fi
    done
    return 1
}

# show_backups: the backups that can be restored
show_backups() {
    local backups
    backups=${OUTPUT:-$ROOT/backups}
    backup_names "$backups" >"$SCRATCH/backups" || fail_reading "$backups"
    show print_backups
}

print_backups() {
    local comma name
    if [ -n "$JSON" ]; then
        printf '['
        comma=''
        while read -r name; do
            printf '%s\n  {"name": %s, "created": %s, "release": %s, "reason": %s, "encrypted": %s, "bytes": %s}' "$comma" \
                "$(json_string "$name")" "$(json_string "$(backup_fact "$backups/$name" created)")" \
                "$(json_string "$(backup_fact "$backups/$name" release)")" \
                "$(json_string "$(backup_fact "$backups/$name" reason)")" "$(backup_flag "$name")" "$(count_bytes "$backups/$name")"
            comma=,
        done <"$SCRATCH/backups"
        printf '\n]\n'
    elif [ -s "$SCRATCH/backups" ]; then
        while read -r name; do
            printf '%s\t%s%s\n' "$name" "$(human "$(count_bytes "$backups/$name")")" \
                "$([ "$(backup_flag "$name")" = false ] || format prune.encrypted)"
        done <"$SCRATCH/backups" | print_columns
    else
        print_line prune.none "$backups"
    fi
}

backup_flag() { if [ "$(backup_fact "$backups/$1" encrypted)" = no ]; then echo false; else echo true; fi; }

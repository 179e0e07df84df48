# ---- change/phases: changing from one release to another and, if that fails, back again. The progress is recorded in
# state/change
#
# Phases: `prepare` (the old release still runs, untouched), `stopped` (its services may be stopped), `switched` (the new one
# may have changed data), `return` (returning to the old one). A killed run is resumed at the phase in its note.

# load_change: read the note of an unfinished change; its status is 1 if there is none
load_change() {
    local each
    [ -f "$ROOT/state/change" ] || return 1
    { CHANGE_KIND=$(note_field change kind) && CHANGE_FROM=$(note_field change from) && CHANGE_TO=$(note_field change to) &&
        CHANGE_PHASE=$(note_field change phase) && CHANGE_BACKUP=$(note_field change backup) &&
        CHANGE_DATA=$(note_field change data) && CHANGE_RESTORED=$(note_field change restored) &&
        CHANGE_ASIDE=$(note_field change aside); } || lose_scratch
    for each in "$CHANGE_FROM" "$CHANGE_TO"; do
        case $each in '' | */* | .*) fail $EXIT_FAILED change.damaged "$ROOT/state/change" ;; esac
    done
}

# enter_phase PHASE: the note for the return is written in advance, so that a full disk cannot prevent it
enter_phase() {
    CHANGE_PHASE=$1
    if [ "$1" = return ] && [ -f "$ROOT/state/change.return" ]; then
        mv -f "$ROOT/state/change.return" "$ROOT/state/change" || fail $EXIT_FAILED release.disk "$ROOT"
        flush "$ROOT/state"
        return 0
    fi
    if [ "$1" = switched ]; then describe_change return | write_note change.return || exit $EXIT_FAILED; fi
    describe_change "$1" | write_note change || exit $EXIT_FAILED
}

# describe_change PHASE
describe_change() {
    printf 'kind=%s\nfrom=%s\nto=%s\nphase=%s\n' "$CHANGE_KIND" "$CHANGE_FROM" "$CHANGE_TO" "$1"
    printf 'backup=%s\ndata=%s\nrestored=%s\naside=%s\n' "$CHANGE_BACKUP" "$CHANGE_DATA" "$CHANGE_RESTORED" "$CHANGE_ASIDE"
}

# forget_note: the change is complete
forget_note() { rm -f "$ROOT/state/change" "$ROOT/state/change.return" || fail $EXIT_FAILED release.disk "$ROOT"; }

# begin_change KIND FROM TO [DATA]: from now on the change is undone if the run ends early. DATA: a backup to continue with
begin_change() {
    if ! load_change; then
        CHANGE_KIND=$1 CHANGE_FROM=$2 CHANGE_TO=$3 CHANGE_BACKUP='' CHANGE_DATA=${4:-} CHANGE_RESTORED='' CHANGE_ASIDE=''
        enter_phase prepare
    fi
    CHANGING=yes
}

# guard_change: refuse other commands during an unfinished change, because they would work on an intermediate state
guard_change() {
    if ! load_change; then return 0; fi
    case $COMMAND in
        install | rollback | start | restart | stop | uninstall) ;;
        *) fail $EXIT_FAILED change.pending "$CHANGE_FROM" "$CHANGE_TO" "$ROOT/${NAME}ctl" ;;
    esac
}

guard_lock guard_change

# stop_and_back_up: stop the old release's services and back up its data. A backup of an earlier attempt counts if nothing
# has run since
stop_and_back_up() {
    [ "$CHANGE_PHASE" != switched ] || return 0 # the data may be of both releases by now
    if [ -n "$CHANGE_BACKUP" ] && [ -z "$(list_running)" ]; then return 0; fi
    if [ -n "$NO_BACKUP" ]; then
        warn change.no_backup
        enter_phase stopped
        return 0
    fi
    name_images "$CHANGE_FROM" || return 1
    enter_phase stopped
    case $OUTPUT in '' | /*) ;; *) OUTPUT=$(pwd -P)/$OUTPUT ;; esac
    ENCRYPT='' RESUME=''
    make_backup "$CHANGE_KIND" || fail $EXIT_FAILED change.backup_failed
    CHANGE_BACKUP=$BACKUP
    enter_phase stopped
    name_images "$CHANGE_TO"
}

# name_images RELEASE: give its images their names, which both releases may use
name_images() {
    (
        use_release "$1"
        QUIET=yes
        load_images
    )
}

# use_release RELEASE: set HERE to its folder: that of the installed release, or of this bundle
use_release() {
    HERE=$ROOT/releases/$1
    FACTS=$HERE
    if [ "$1" = "$BUNDLE_RELEASE" ]; then HERE=$BUNDLE_FOLDER FACTS=$SCRATCH/bundle; fi
}

# enter_release: put the new release's answers in place, and make it `current`
enter_release() {
    place_answers "$CHANGE_TO"
    keep_site_key
    pin_key
    switch_release
}

# finish_change MIGRATED DATA: the change succeeded: record how to undo it, and remove the note
finish_change() {
    write_note previous <<EOT
kind=$CHANGE_KIND
release=$CHANGE_FROM
backup=$CHANGE_BACKUP
migrated=$1
EOT
    [ "$(note_field previous release)" = "$CHANGE_FROM" ] || fail $EXIT_FAILED release.disk "$ROOT"
    forget_note
    CHANGING=''
    prune_releases
    prune_automatic
}

# undo_change: return to the release that ran before, including its data; sets end_code. Signals wait until this is done
undo_change() {
    [ -n "$CHANGING" ] || return 0
    CHANGING=''
    trap 'INTERRUPTED=yes' HUP INT TERM
    if [ -n "$PART" ]; then
        clean_backup
        PART=''
    fi
    load_change || return 0
    if [ "$CHANGE_PHASE" = prepare ]; then # the old release never stopped
        (QUIET=yes && forget_change)
        [ "$end_code" -ne 0 ] || end_code=$EXIT_FAILED
        warn change.untouched "$CHANGE_FROM"
        return 0
    fi
    if ! insist go_back; then
        warn change.not_back "$CHANGE_FROM" "$ROOT/${NAME}ctl"
        end_code=$EXIT_FAILED
        return 1
    fi
    end_code=$EXIT_RETURNED
    if [ -n "$CHANGE_BACKUP" ] || [ "$CHANGE_PHASE" = stopped ]; then
        warn change.back "$CHANGE_FROM"
    else
        warn change.back_only "$CHANGE_FROM"
    fi
}

undo_at_exit undo_change

# insist COMMAND...: in a subshell; up to three times if signals, which the caller records in INTERRUPTED, ended it
insist() {
    local tries
    INTERRUPTED='' tries=1
    until ("$@"); do
        if [ -z "$INTERRUPTED" ] || [ "$tries" -ge 3 ]; then return 1; fi
        INTERRUPTED='' tries=$((tries + 1))
    done
}

# forget_change: only preparations were made
forget_change() {
    local recorded=''
    RELEASE=$CHANGE_TO
    record failed "$CHANGE_KIND"
    if target_answers; then name_images "$CHANGE_FROM"; fi
    forget_note # prepared files make the next attempt faster; a change that succeeds removes them
}

# go_back: every step can be repeated. If the previous run was killed, people may have worked with the services that it left
# running, so their data are kept aside. Otherwise these data are worthless
go_back() {
    local touched aside forth_aside recorded=''
    load_change || return 0
    touched='' aside=drop RETURNING=yes
    forth_aside=$CHANGE_ASIDE CHANGE_ASIDE='' # data that a rollback set aside are not those set aside during the return
    case $CHANGE_PHASE in switched | return) touched=yes ;; esac
    [ -z "$RESUMED" ] || aside=keep
    warn change.going_back "$CHANGE_FROM"
    require_engine
    if [ -n "$touched" ]; then
        stop_project
        enter_phase return
        make_room
    fi
    TIMEOUT='' # it was meant for the other release
    RELEASE=$CHANGE_FROM
    record begin return
    step switch leave_release
    use_current
    step images load_images
    if [ -n "$touched" ]; then
        step restore return_data
        step initial deliver_initial
    fi
    start_step
    forget_note
    record end return
    prune_automatic
    if [ "$aside" = drop ]; then
        drop_before
        BEFORE=$forth_aside
        drop_before
    elif [ -d "${BEFORE:-/-}" ]; then
        warn restore.kept "$BEFORE"
    fi
}

# make_room: the failed release may have filled the disk. If the backup does not fit beside its data, and nobody can have
# worked with them, they are removed before the restore; the backup is checked first
make_room() {
    rm -rf "$ROOT/releases/.part"
    if [ -z "$CHANGE_BACKUP" ] || [ "$aside" = keep ] || [ -f "$ROOT/state/restore" ]; then return 0; fi
    if too_little "$(add_bytes "$(count_bytes "$CHANGE_BACKUP")" 16000000)" "$(free_bytes "$ROOT")"; then
        require_backup "$CHANGE_BACKUP"
        warn change.room "$ROOT"
        clear_data || fail $EXIT_FAILED release.disk "$ROOT"
    fi
}

# leave_release: put the old release's answers in place, and make it `current` again
leave_release() {
    [ ! -d "$ROOT/state/answers/$CHANGE_FROM" ] || place_answers "$CHANGE_FROM"
    switch_release
}

return_data() {
    if [ -z "$CHANGE_BACKUP" ]; then
        warn change.data_left
        return 0
    fi
    restore_backup "$CHANGE_BACKUP" || fail $EXIT_FAILED restore.failed "$CHANGE_BACKUP"
}

# resume_change: handle the change of a killed run. The same command continues it; any other command returns to the old
# release first
resume_change() {
    local said_to end_code
    if ! load_change; then return 0; fi
    RESUMED=yes CHANGING=yes
    if [ "$CHANGE_PHASE" != return ] && [ "$1" = "$CHANGE_KIND" ] && [ "${2:-$CHANGE_TO}" = "$CHANGE_TO" ]; then
        say change.resume "$CHANGE_FROM" "$CHANGE_TO"
        return 0
    fi
    said_to=$CHANGE_TO end_code=0
    undo_change || exit "$end_code"
    end_at_signals
    RESUMED=''
    [ "$end_code" -eq $EXIT_RETURNED ] || return 0
    # the run ends if the operator requested this very change, or only running services
    case $1 in
        upgrade) [ "$2" != "$said_to" ] || exit $EXIT_RETURNED ;;
        start) exit $EXIT_RETURNED ;;
        rollback | forward) if [ "$CHANGE_KIND" = "$1" ]; then exit $EXIT_RETURNED; else exit 0; fi ;;
    esac
}

# prune_releases: keep the current and the previous release, those whose files a container has mounted, and the files to
# reload their images
prune_releases() {
    local keep_current keep_previous keep_from keep_to keep_releases keep_mounted each
    { keep_current=$(basename_of "$CURRENT") && keep_previous=$(note_field previous release) && keep_from=$(note_field change from) &&
        keep_to=$(note_field change to); } || lose_scratch
    [ -n "$keep_current" ] || fail $EXIT_FAILED facts.none "$ROOT"
    keep_mounted=$(list_mounted) || {
        write_log 'kept all releases: the engine did not say which are mounted'
        return 0
    }
    keep_releases="$keep_current $keep_previous $keep_from $keep_to $keep_mounted"
    for each in "$ROOT"/releases/* "$ROOT"/releases/.part; do
        [ -d "$each" ] || continue
        case " $keep_releases " in *" ${each##*/} "*) continue ;; esac
        if [ -f "$each/images.tsv" ] && [ "${each%.old}" = "$each" ]; then drop_images "$each"; fi
        rm -rf "$each" "$ROOT/state/answers/${each##*/}"
    done
    prune_blobs
}

# drop_images RELEASE_DIR: remove images that no kept release names; the engine keeps those in use by containers
drop_images() {
    local kept id reference='' manifest='' config=''
    empty_file "$SCRATCH/kept-images"
    for kept in $keep_releases; do
        [ ! -f "$ROOT/releases/$kept/images.tsv" ] || rows_of "$ROOT/releases/$kept" images.tsv >>"$SCRATCH/kept-images" || lose_scratch
    done
    rows_of "$1" images.tsv | while read_image reference manifest config; do
        grep -qF -- "$config" "$SCRATCH/kept-images"
        [ $? -eq 1 ] || continue # it is named there, or that is unknown
        for id in "$config" "$manifest"; do
            if image_exists "$id"; then
                drop_image "$id" || write_log "kept $reference"
            fi
        done
    done
}

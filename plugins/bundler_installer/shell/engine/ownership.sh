# ---- engine/ownership: which parts of an engine this installation put in place and nobody has changed since

# name_places: set the paths of the parts, below PROBE_ROOT in tests
name_places() {
    PROGRAMS=$PROBE_ROOT/usr/local/bin PLUGIN=$PROBE_ROOT/usr/local/lib/docker/cli-plugins/docker-compose
    SETTINGS=$PROBE_ROOT/etc/docker/daemon.json UNIT=$PROBE_ROOT/etc/systemd/system/docker.service
}

# own LINE...: record what belongs to this installation from now on
own() {
    {
        if [ -f "$ROOT/state/engine" ]; then cat "$ROOT/state/engine"; fi
        printf '%s\n' "$@"
    } | awk '/^what=/ { if (what != "what=whole") what = $0; next } !seen[$0]++ { rest = rest $0 "\n" } END { if (what != "") print what; printf "%s", rest }' |
        write_note engine || exit $EXIT_FAILED
}

set_engine_state() {
    sed '/^state=/d' "$ROOT/state/engine" >"$SCRATCH/engine-note"
    { cat "$SCRATCH/engine-note" && printf 'state=%s\n' "$1"; } | write_note engine || exit $EXIT_FAILED
}

# owns FILE: whether it is recorded as belonging to this installation
owns() { [ -f "$ROOT/state/engine" ] && grep -qxF -- "file=$1" "$ROOT/state/engine"; }

# claim FILE: record it; if the file exists and belongs to somebody else, end the run before anything is changed
claim() {
    owns "$1" || {
        if [ -e "$1" ] || [ -L "$1" ]; then fail $EXIT_FAILED carried.file_there "$1"; fi
        own "file=$1"
    }
}

# claim_programs: all or none, in one note
claim_programs() {
    local each
    [ -z "$MANAGER" ] || return 0
    {
        engine_parts program | sed "s|^|$PROGRAMS/|"
        if has_systemd; then printf '%s\n' "$UNIT"; fi
        if [ -n "$(engine_parts compose)" ]; then printf '%s\n' "$PLUGIN"; fi
    } >"$SCRATCH/engine-files"
    while IFS= read -r each; do
        if { [ -e "$each" ] || [ -L "$each" ]; } && ! owns "$each"; then fail $EXIT_FAILED carried.file_there "$each"; fi
    done <"$SCRATCH/engine-files"
    sed 's/^/file=/' "$SCRATCH/engine-files" >"$SCRATCH/engine-claims"
    own "$(cat "$SCRATCH/engine-claims")"
}

# label FILE: restore the label of SELinux's policy, if the server has one
label() { if have restorecon; then restorecon "$1" >/dev/null 2>&1 || write_log "restorecon $1"; fi; }

# write_own FILE COMMAND COPY: only if the file does not exist, or is from here and unchanged; state/COPY keeps its content
# as written
write_own() {
    if [ -e "$1" ] && { ! owns "$1" || is_changed "$1" "$3"; }; then
        say carried.settings_kept "$1"
        return 0
    fi
    own "file=$1"
    write_place "$1" "$2"
    "$2" | write_note "$3" || exit $EXIT_FAILED
}

# is_changed FILE COPY: whether it was changed since it was written
is_changed() { [ -f "$ROOT/state/$2" ] && ! cmp -s "$ROOT/state/$2" "$1"; }

# write_place FILE COMMAND: completely or not at all
write_place() {
    mkdir -p "${1%/*}" || fail $EXIT_FAILED release.disk "${1%/*}"
    { "$2" >"$1.part" && chmod 644 "$1.part" && flush "$1.part" && mv -f "$1.part" "$1" && label "$1"; } ||
        fail $EXIT_FAILED release.disk "${1%/*}"
}

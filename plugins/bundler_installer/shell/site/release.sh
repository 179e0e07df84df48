# ---- site/release: each bundle has a separate folder, which is created completely and activated by one rename

name_release() {
    local digest
    BUNDLE_FOLDER=$HERE
    digest=$(hash_stream <"$FACTS/SHA256SUMS")
    digest=${digest%% *}
    [ "${#digest}" -eq 64 ] || lose_scratch
    RELEASE=$VERSION-$(printf '%.12s' "$digest")
    BUNDLE_RELEASE=$RELEASE
    RELEASE_DIR=$ROOT/releases/$RELEASE
}

# mend_release: a run was killed between two renames
mend_release() {
    if [ -d "$RELEASE_DIR" ] || [ ! -d "$RELEASE_DIR.old" ]; then return 0; fi
    mv "$RELEASE_DIR.old" "$RELEASE_DIR" || fail $EXIT_FAILED release.disk "$ROOT"
}

# prepare_release: copy everything except images and engine, fill in the templates, then give the folder its name. `.written`
# keeps config/ as it was written, so that edits can be detected
prepare_release() {
    local part each
    mkdir -p "$ROOT/releases" || fail $EXIT_FAILED release.disk "$ROOT"
    chmod 700 "$ROOT/releases" || fail $EXIT_FAILED release.disk "$ROOT" # filled-in templates contain secrets; the engine mounts them as root
    [ "$HERE" != "$RELEASE_DIR" ] || return 0
    part=$ROOT/releases/.part
    rm -rf "$part" || fail $EXIT_FAILED release.disk "$ROOT"
    LITTER=$part # it contains secrets, and takes space
    mkdir -p "$part" || fail $EXIT_FAILED release.disk "$ROOT"
    awk 'substr($0, 67, 7) != "images/" && substr($0, 67, 13) != "files/engine/"' "$FACTS/SHA256SUMS" >"$SCRATCH/copied" || lose_scratch
    copy_listed "$SCRATCH/copied" "$part"
    for each in SHA256SUMS SHA256SUMS.sig SHA256SUMS.pub; do
        [ ! -f "$FACTS/$each" ] || cp -- "$FACTS/$each" "$part/$each" || fail $EXIT_FAILED release.disk "$ROOT"
    done
    chmod 755 "$part" "$part/install" || fail $EXIT_FAILED release.disk "$ROOT"
    (umask 077 && cp -R -- "$part/config" "$part/.pristine") || fail $EXIT_FAILED release.disk "$ROOT"
    render_config "$part"
    carry_edits
    sync
    if [ -d "$RELEASE_DIR" ]; then
        renew_release
    else
        mv "$part" "$RELEASE_DIR" || fail $EXIT_FAILED release.disk "$ROOT"
    fi
    LITTER=''
}

# renew_release: containers have folders of an installed release mounted, so these stay, and only files that differ are
# replaced. `.written` comes last: a run that is killed before must not mistake a new file for an edit
renew_release() {
    local top
    for top in "$part"/* "$part"/.pristine; do
        case ${top##*/} in config) continue ;; esac
        { rm -rf "${RELEASE_DIR:?}/${top##*/}" && mv "$top" "$RELEASE_DIR/${top##*/}"; } || fail $EXIT_FAILED release.disk "$ROOT"
    done
    { mkdir -p "$RELEASE_DIR/config" && (umask 077 && mkdir -p "$RELEASE_DIR/.written") &&
        update_tree "$part/config" "$RELEASE_DIR/config" && update_tree "$part/.written" "$RELEASE_DIR/.written"; } ||
        fail $EXIT_FAILED release.disk "$ROOT"
    set_modes "$RELEASE_DIR"
    rm -rf "$part"
}

# render_config FOLDER: fill the templates in FOLDER/config, and keep a copy of the result in FOLDER/.written
render_config() {
    local part
    part=$1
    fill_templates
    rm -rf "$part/.written" || fail $EXIT_FAILED release.disk "$ROOT"
    (umask 077 && cp -R -- "$part/config" "$part/.written") || fail $EXIT_FAILED release.disk "$ROOT"
}

# fill_templates: replace @@NAME@@ by the site's value, quoted for its file
fill_templates() {
    local path='' mode='' format=''
    empty_file "$SCRATCH/refused"
    keep "$SCRATCH/templates" rows templates.tsv
    while read_template path mode format; do
        fill_template "$part/$path" "$path" "$format" "$part/$path.filled" || fail_template
        { mv -f "$part/$path.filled" "$part/$path" && chmod "$mode" "$part/$path"; } || fail $EXIT_FAILED release.disk "$ROOT"
    done <"$SCRATCH/templates"
    [ ! -s "$SCRATCH/refused" ] || explain_refused
}

# make_data: create the folders for the application's data
make_data() {
    local lines uid path='' mode='' gid='' inside=''
    mkdir -p "$ROOT/data" || fail $EXIT_FAILED release.disk "$ROOT"
    keep "$SCRATCH/data" rows data.tsv
    lines=0
    while read_data_folder path mode uid gid; do
        lines=$((lines + 1))
        [ -n "$path" ] || continue
        [ ! -d "$ROOT/data/$path" ] || continue
        (
            enter_below "$ROOT/data" "$path" && chmod "$mode" . || exit 1
            [ "$uid" != - ] || exit 0
            [ "$gid" = - ] || uid=$uid:$gid
            chown "$uid" .
        ) || {
            rmdir "$ROOT/data/$path" 2>/dev/null # the next run must not find it with another mode
            fail $EXIT_FAILED release.data "$ROOT/data"
        }
    done <"$SCRATCH/data"
    expect_lines "$SCRATCH/data" "$lines"
}

# switch_release: make `current` point to the new release; atomic if mv supports -T
switch_release() {
    rm -f "$ROOT/current.new"
    ln -s "releases/$RELEASE" "$ROOT/current.new" || fail $EXIT_FAILED release.disk "$ROOT"
    mv -T "$ROOT/current.new" "$CURRENT" 2>/dev/null || {
        rm -f "$CURRENT" && mv "$ROOT/current.new" "$CURRENT"
    } || fail $EXIT_FAILED release.disk "$ROOT"
    write_control
}

# write_control: write <root>/<name>ctl, which runs the commands of the current release
write_control() {
    cat >"$ROOT/.ctl.new" <<'EOT'
#!/bin/sh
# Runs a command of the installed release: status, logs, stop, start, restart, backup, rollback, uninstall, help, ...
case $0 in
    /*/*) here=${0%/*} ;;
    */*) here=./${0%/*} ;;
    *) here=. ;;
esac
exec /bin/sh "$here/current/install" "${@:-status}"
EOT
    # shellcheck disable=SC2181 # the status is that of the here-document
    { [ $? -eq 0 ] && chmod 755 "$ROOT/.ctl.new" && mv -f "$ROOT/.ctl.new" "$ROOT/${NAME}ctl"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# check_writable: a root that this user cannot write to is a mistake; one that has a site cannot even be read then
check_writable() {
    local nearest
    nearest=$(nearest_folder "$ROOT")
    LITTER=$nearest/.bundle-trial.$$
    if (umask 077 && mkdir "$LITTER") 2>/dev/null && rmdir "$LITTER"; then
        LITTER=''
        return 0
    fi
    LITTER=''
    if [ "$(id -u)" = 0 ]; then mistake journal.read_only "$nearest"; else mistake journal.root "$nearest"; fi
    [ ! -d "$ROOT/state" ] || end_at_mistakes
}

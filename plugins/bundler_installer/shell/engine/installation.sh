# ---- engine/installation: Docker for a server that has no engine. An existing engine is never changed
#
# state/engine records what belongs to this installation before it is put in place, so that after a killed run its files are
# still known: `what` (whole, or compose: only the plugin), `state` (begun, installed), then lines file= and package=.

# settle_engine: whether this run installs the engine: if an option requests it, or the operator agrees at the terminal
settle_engine() {
    ENGINE_PLAN=''
    plan_engine
    if ! engine_is_carried; then
        [ -z "$INSTALL_ENGINE" ] || fail $EXIT_USAGE carried.none
        return 0
    fi
    if [ -z "$INSTALL_ENGINE" ]; then
        if [ "$LACKING" = whole ] && [ -n "$TERMINAL" ] && [ -z "$YES" ] && ask carried.offer "$(engine_version)"; then
            INSTALL_ENGINE=yes
        else
            return 0
        fi
    fi
    [ -z "$FOREIGN" ] || fail $EXIT_FAILED carried.foreign "$FOREIGN"
    if [ -z "$LACKING" ]; then
        say carried.kept "$(cat "$SCRATCH/docker-version")"
        return 0
    fi
    [ "$(id -u)" = 0 ] || fail $EXIT_FAILED carried.root
    ENGINE_PLAN=$LACKING
    choose_manager
    [ "$LACKING$MANAGER$(engine_parts archive)" != whole ] || fail $EXIT_FAILED carried.no_manager
}

# install_engine: every step can be repeated
install_engine() {
    local done_message
    name_places
    if [ "$ENGINE_PLAN" = compose ]; then
        say carried.compose "$PLUGIN"
        claim "$PLUGIN"
        own what=compose
        place_compose
        return 0
    fi
    say carried.start "$(engine_version)"
    claim_programs
    own what=whole
    set_engine_state begun
    write_own "$SETTINGS" print_settings engine-settings
    make_group
    if [ -n "$MANAGER" ]; then install_packages; else place_programs; fi
    if [ -n "$(engine_parts compose)" ] && { [ -z "$MANAGER" ] || ! find_compose; }; then
        claim "$PLUGIN"
        place_compose
    fi
    start_engine
    set_engine_state installed
    if has_systemd; then done_message=carried.done_boot; else done_message=carried.done; fi
    say "$done_message" "$(cat "$SCRATCH/docker-version")"
}

# copy_carried PATH TARGET: checks the copy, because the medium may return other bytes when it is read again
copy_carried() {
    local listed copied
    cp -- "$HERE/$1" "$2" || fail $EXIT_FAILED release.disk "${2%/*}"
    listed=$(awk -v path="$1" 'substr($0, 67) == path { print substr($0, 1, 64); exit }' "$FACTS/SHA256SUMS")
    copied=$(printf '%s\000' "$2" | hash_files | cut -c 1-64)
    { [ -n "$listed" ] && [ "$copied" = "$listed" ]; } || refuse verify.changed "$1"
}

# place_programs: unpack them beside their destinations, then rename them
place_programs() {
    local part each
    part=$PROGRAMS/.docker.part
    rm -rf "$part"
    mkdir -p "$part" || fail $EXIT_FAILED release.disk "$PROGRAMS"
    copy_carried "$(engine_parts archive)" "$part/archive.tgz"
    tar -xzf "$part/archive.tgz" -C "$part" 2>"$SCRATCH/engine-errors" ||
        fail $EXIT_FAILED carried.unpack "$PROGRAMS" "$(tail -n 2 "$SCRATCH/engine-errors")"
    # files in the archive belong to a user of the publisher
    engine_parts program | while IFS= read -r each; do
        chown 0:0 "$part/docker/$each" && chmod 755 "$part/docker/$each" && flush "$part/docker/$each" || exit 1
    done || fail $EXIT_FAILED release.disk "$PROGRAMS"
    engine_parts program | while IFS= read -r each; do
        mv -f "$part/docker/$each" "$PROGRAMS/$each" && label "$PROGRAMS/$each" || exit 1
    done || fail $EXIT_FAILED release.disk "$PROGRAMS"
    rm -rf "$part"
}

place_compose() {
    local part
    part=${PLUGIN%/*}/.docker-compose.part
    mkdir -p "${PLUGIN%/*}" || fail $EXIT_FAILED release.disk "${PLUGIN%/*}"
    copy_carried "$(engine_parts compose)" "$part"
    { chown 0:0 "$part" && chmod 755 "$part" && flush "$part" && mv -f "$part" "$PLUGIN" && label "$PLUGIN"; } ||
        fail $EXIT_FAILED release.disk "${PLUGIN%/*}"
}

# install_packages: those that the server lacks; an installed package stays unchanged
install_packages() {
    local folder kind='' value='' name=''
    folder=$ROOT/state/engine-packages
    rm -rf "$folder"
    (umask 077 && mkdir -p "$folder") || fail $EXIT_FAILED release.disk "$ROOT"
    set --
    rows engine.tsv >"$SCRATCH/engine-rows"
    while read_engine_part kind value name <&5; do
        [ "$kind" = "$MANAGER" ] || continue
        if ! grep -qxF "package=$name" "$ROOT/state/engine" && package_is_installed "$name"; then
            say carried.package_there "$name"
            continue
        fi
        own "package=$name" "manager=$MANAGER"
        copy_carried "$value" "$folder/${value##*/}"
        set -- "$@" "$folder/${value##*/}"
    done 5<"$SCRATCH/engine-rows"
    if [ $# -gt 0 ]; then
        case $MANAGER in
            deb) DEBIAN_FRONTEND=noninteractive "$PROBE_ROOT/usr/bin/dpkg" --force-confold -i "$@" ;;
            *) "$PROBE_ROOT/usr/bin/rpm" -Uvh --replacepkgs "$@" ;;
        esac >"$SCRATCH/engine-packages" 2>&1 </dev/null 8<&- 9>&- || { # scripts of packages may start the engine
            write_log "$(cat "$SCRATCH/engine-packages")"
            fail $EXIT_FAILED carried.packages "$(tail -n 6 "$SCRATCH/engine-packages")"
        }
        write_log "$(cat "$SCRATCH/engine-packages")"
    fi
    rm -rf "$folder"
}

package_is_installed() {
    case $MANAGER in
        deb) "$PROBE_ROOT/usr/bin/dpkg" -s "$1" 2>/dev/null | grep -q '^Status: .* installed$' ;;
        *) "$PROBE_ROOT/usr/bin/rpm" -q "$1" >/dev/null 2>&1 ;;
    esac
}

# make_group: its members may use the engine's socket
make_group() {
    if grep -q '^docker:' "$PROBE_ROOT/etc/group" 2>/dev/null; then return 0; fi
    if have getent && getent group docker >/dev/null 2>&1; then return 0; fi
    if have groupadd; then groupadd -r docker; elif have addgroup; then addgroup -S docker; fi >/dev/null 2>"$SCRATCH/engine-errors" ||
        warn carried.group "$(tail -n 1 "$SCRATCH/engine-errors")"
}

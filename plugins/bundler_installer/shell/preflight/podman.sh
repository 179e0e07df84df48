# ---- preflight/podman: checks of Podman, whose service answers as Docker: the tested versions, and what it does not support

PODMAN_TRIED=4.3

measure_podman_version() {
    if at_least "$ENGINE_VERSION" "$PODMAN_TRIED"; then
        check pass "Podman $ENGINE_VERSION" "Podman $PODMAN_TRIED"
    else
        check warn "Podman $ENGINE_VERSION" "Podman $PODMAN_TRIED" "$(format remedy.podman_old "$PODMAN_TRIED")"
    fi
}

# measure_podman: features that this application uses and that would not work; other differences are described in
# docs/how-to/install.md
measure_podman() {
    if [ ! -d "$PROBE_ROOT/run/systemd/system" ] && list_column services.tsv expect | grep -qx healthy; then
        check fail "Podman, $(format checks.no_systemd)" systemd "$(format remedy.podman_systemd)"
    elif grep -q '^ *entrypoint: *\[\]' "$HERE/config/compose.yaml" 2>/dev/null; then
        check fail 'Podman, entrypoint: []' Docker "$(format remedy.podman_entrypoint)"
    elif publishes_anywhere; then
        check warn 'Podman, 0.0.0.0' Docker "$(format remedy.podman_address)"
    else
        check warn Podman Docker "$(format remedy.engine_podman)"
    fi
}

# publishes_anywhere: whether a port is published at 0.0.0.0, which differs from publishing it without an address
publishes_anywhere() {
    local address='' port=''
    rows ports.tsv | while read_port address port; do
        [ "$(expand_address "$address" "$port")" != 0.0.0.0 ] || printf 'found\n'
    done | grep -q found
}

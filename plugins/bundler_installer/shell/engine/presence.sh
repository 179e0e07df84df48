# ---- engine/presence: the engine answers, or the operator learns what can be done

# explain_user: before anything else, what an operator who is not root needs, and what will not work
explain_user() {
    local own_name socket
    [ "$(id -u)" != 0 ] || return 0
    own_name=$(id -un 2>/dev/null || id -u)
    socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
    socket=${socket#unix://}
    warn user.not_root "$own_name"
    case $socket in
        "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"/*) warn user.rootless "$socket" ;;
        *)
            if [ -w "$socket" ]; then
                warn user.engine "$socket"
            else
                warn user.no_engine "$socket" "$own_name"
                warn user.own_engine "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
            fi
            ;;
    esac
    [ -n "$ROOT" ] || warn user.folder "$HOME" "$own_name"
    warn user.lacks
}

# explain_no_engine: end the run with what the operator of this server can do
explain_no_engine() {
    if owns_engine && ! has_systemd; then fail $EXIT_FAILED carried.stands_still "$(print_launch)"; fi
    if engine_is_carried; then
        find_foreign_engine
        [ -n "$FOREIGN" ] || fail $EXIT_FAILED carried.not_asked
    fi
    if have podman && ! have dockerd; then fail $EXIT_FAILED engine.podman_only; fi
    fail $EXIT_FAILED engine.no_docker
}

require_engine() {
    refuse_remote
    docker_answers || explain_no_engine
    find_compose || fail $EXIT_FAILED engine.no_compose
}

# use_installed: use the installed release, and require an engine that answers
use_installed() {
    use_current
    require_engine
    RELEASE=${HERE##*/}
}

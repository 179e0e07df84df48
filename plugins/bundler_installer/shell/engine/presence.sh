# ---- engine/presence: the engine answers, or the operator learns what can be done

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

# ---- preflight/lacking: results of checks if the bundle supplies the engine that the server lacks

# lacks_iptables: the static archive contains everything except iptables, and its engine does not start without it
lacks_iptables() {
    local each
    choose_manager
    [ -z "$MANAGER" ] || return 1
    for each in /usr/sbin /sbin /usr/local/sbin; do
        if [ -x "$PROBE_ROOT$each/iptables" ]; then return 1; fi
    done
    ! can_probe iptables
}

# check_engine_lacking: as check_lacking, for the whole engine, which must be able to run here
check_engine_lacking() {
    choose_manager
    if [ -z "$MANAGER" ] && [ -z "$(engine_parts archive)" ]; then
        check fail "$(format checks.none)" "$(show_amount "$required" '')" "$(format carried.no_manager)"
    elif lacks_iptables; then
        check fail "$(format checks.lacking iptables)" "$(show_amount "$required" '')" "$(format remedy.docker_iptables)"
    else
        check_lacking
    fi
}

# check_lacking: the result if the bundle supplies what is missing. An installation must request it explicitly
check_lacking() {
    local lacked
    lacked=$(show_amount "$required" '')
    if [ -n "$INSTALL_ENGINE" ]; then
        check pass "$(format checks.engine_planned "$(engine_version)")" "$lacked"
    elif [ "$COMMAND" = preflight ]; then
        check warn "$(format checks.engine_carried)" "$lacked" "$(format remedy.docker_carried)"
    else
        check fail "$(format checks.engine_carried)" "$lacked" "$(format remedy.docker_carried)"
    fi
}

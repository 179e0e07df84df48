# ---- preflight/lacking: what the preflight says where the bundle brings the engine that the server lacks

# lacks_iptables: the static archive has all but that, and its engine does not start without
lacks_iptables() {
    local each
    choose_manager
    [ -z "$MANAGER" ] || return 1
    for each in /usr/sbin /sbin /usr/local/sbin; do
        if [ -x "$PROBE_ROOT$each/iptables" ]; then return 1; fi
    done
    ! can_probe iptables
}

# check_engine_lacking: the same, of the engine as a whole, which must be able to run here
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

# check_lacking: the preflight's word where the bundle brings what is lacking. Whoever installs must have said so
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

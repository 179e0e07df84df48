# ---- engine plan: what the server lacks of an engine, and whether the bundle brings it

# engine_is_carried: whether the bundle brings an engine for servers that have none
engine_is_carried() { [ -f "$HERE/engine.tsv" ] && [ -n "$(rows engine.tsv)" ]; }

# engine_parts KIND [FIELD]: of engine.tsv
engine_parts() {
    [ -f "$HERE/engine.tsv" ] || return 0
    rows engine.tsv | awk -F "$TAB" -v kind="$1" -v field="${2:-2}" '$1 == kind { print $field }'
}

# engine_version: as the bundle's maker says, after a blank
engine_version() { engine_parts version | sed 's/^/ /'; }

# owns_engine: whether this installation brought the engine, or began to
owns_engine() { [ "$(note_field engine what)" = whole ]; }

# find_foreign_engine: what shows that the server has an engine or a part of one, not from here; sets `foreign`
find_foreign_engine() {
    foreign=''
    for each in docker dockerd containerd; do
        if have "$each"; then
            foreign=$(command -v "$each")
            return 0
        fi
    done
    for each in run/docker.sock var/run/docker.sock run/containerd/containerd.sock; do
        if [ -S "$PROBE_ROOT/$each" ]; then
            foreign=$PROBE_ROOT/$each
            return 0
        fi
    done
    foreign=${DOCKER_HOST:-}
}

# plan_engine: sets LACKING, what the server lacks and the bundle brings: whole; compose, where an engine lacks only that;
# or nothing. Where an engine that is not from here does not answer, `foreign` says what shows it
plan_engine() {
    LACKING='' foreign=''
    engine_is_carried || return 0
    if owns_engine && [ "$(note_field engine state)" != installed ]; then
        LACKING=whole
    elif docker_answers; then
        find_compose || [ -z "$(engine_parts compose)" ] || LACKING=compose
    elif owns_engine; then
        LACKING=whole # it stands still
    else
        find_foreign_engine
        [ -n "$foreign" ] || LACKING=whole
    fi
}

# name_engine_change: what an installation with these options does to the server's engine; sets ENGINE_CHANGE. offer: the
# bundle brings what is lacking here, and nobody asked for it
name_engine_change() {
    plan_engine
    ENGINE_CHANGE=${LACKING:-none}
    if [ -n "$LACKING" ] && [ -z "$INSTALL_ENGINE" ]; then ENGINE_CHANGE=offer; fi
}

# check_lacking: the preflight's word where the bundle brings what is lacking. Whoever installs must have said so
check_lacking() {
    lacked=$(show_amount "$required" '')
    if [ -n "$INSTALL_ENGINE" ]; then
        check pass "$(format checks.engine_planned "$(engine_version)")" "$lacked"
    elif [ "$COMMAND" = preflight ]; then
        check warn "$(format checks.engine_carried)" "$lacked" "$(format remedy.docker_carried)"
    else
        check fail "$(format checks.engine_carried)" "$lacked" "$(format remedy.docker_carried)"
    fi
}

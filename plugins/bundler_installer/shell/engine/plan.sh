# ---- engine/plan: what the server lacks of an engine, and whether the bundle supplies it

# engine_is_carried: whether the bundle contains an engine for servers that have none
engine_is_carried() { [ -f "$FACTS/engine.tsv" ] && [ -n "$(rows engine.tsv)" ]; }

# engine_parts KIND: their values in engine.tsv
engine_parts() { [ ! -f "$FACTS/engine.tsv" ] || look_up engine.tsv kind "$1" value; }

# engine_version: as stated by the publisher of the bundle, after a blank
engine_version() { engine_parts version | sed 's/^/ /'; }

# owns_engine: whether this installation installed the engine, or began to
owns_engine() { [ "$(note_field engine what)" = whole ]; }

# find_foreign_engine: find evidence of an engine, or a part of one, that was not installed from here; sets FOREIGN
find_foreign_engine() {
    local each
    FOREIGN=''
    for each in docker dockerd containerd; do
        if have "$each"; then
            FOREIGN=$(command -v "$each")
            return 0
        fi
    done
    for each in run/docker.sock var/run/docker.sock run/containerd/containerd.sock; do
        if [ -S "$PROBE_ROOT/$each" ]; then
            FOREIGN=$PROBE_ROOT/$each
            return 0
        fi
    done
    FOREIGN=${REMOTE:-${DOCKER_HOST:-}}
}

# plan_engine: sets LACKING to what the server lacks and the bundle supplies: whole; compose, if an engine lacks only that;
# or empty. If an engine that is not from here does not answer, FOREIGN names the evidence
plan_engine() {
    LACKING='' FOREIGN=''
    engine_is_carried || return 0
    if owns_engine && [ "$(note_field engine state)" != installed ]; then
        LACKING=whole
    elif docker_answers; then
        find_compose || [ -z "$(engine_parts compose)" ] || LACKING=compose
    elif owns_engine; then
        LACKING=whole # it is installed but not running
    else
        find_foreign_engine
        [ -n "$FOREIGN" ] || LACKING=whole
    fi
}

# find_dpkg, find_rpm: by fixed paths. A busybox shell has applets of both names, and prefers them to the programs on PATH
find_dpkg() { [ -x "$PROBE_ROOT/usr/bin/dpkg" ] && [ -s "$PROBE_ROOT/var/lib/dpkg/status" ]; }

find_rpm() {
    [ -x "$PROBE_ROOT/usr/bin/rpm" ] && { [ -d "$PROBE_ROOT/var/lib/rpm" ] || [ -d "$PROBE_ROOT/usr/lib/sysimage/rpm" ]; }
}

# choose_manager: the package manager whose packages are carried and that this server has; sets MANAGER: deb, rpm, or empty
# for the static archive
choose_manager() {
    MANAGER=''
    if find_dpkg && [ -n "$(engine_parts deb)" ]; then
        MANAGER=deb
    elif find_rpm && [ -n "$(engine_parts rpm)" ]; then
        MANAGER=rpm
    fi
}

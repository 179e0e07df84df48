# ---- preflight/engine: checks of the engine

# read_engine: query the engine once; sets DOCKER (yes or nothing), ENGINE, ENGINE_VERSION, ENGINE_ROOT, IMAGE_ROOT
read_engine() {
    local root
    DOCKER='' ENGINE=none ENGINE_VERSION='' ENGINE_ROOT=/var/lib/docker IMAGE_ROOT=/var/lib/docker
    empty_file "$SCRATCH/engine-info"
    empty_file "$SCRATCH/engine-ours"
    plan_engine
    docker_answers || {
        [ -z "$(engine_parts data-root)" ] || ENGINE_ROOT=$(engine_parts data-root)
        IMAGE_ROOT=$ENGINE_ROOT
        return 0
    }
    DOCKER=yes ENGINE=docker
    ENGINE_VERSION=$(sed -n 1p "$SCRATCH/docker-version")
    is_podman && ENGINE=podman
    within 20 docker info >"$SCRATCH/engine-info" 2>/dev/null
    root=$(info_field 'Docker Root Dir')
    [ -z "$root" ] || ENGINE_ROOT=$root
    IMAGE_ROOT=$ENGINE_ROOT
    # the system's containerd keeps images in its own folder; one that the engine started, below the engine's
    case $(info_field driver-type):$ENGINE_ROOT in
        io.containerd.*:/var/lib/docker) [ ! -d "$PROBE_ROOT/var/lib/containerd" ] || IMAGE_ROOT=/var/lib/containerd ;;
    esac
    within 20 docker ps -q --filter "label=com.docker.compose.project=$PROJECT" >"$SCRATCH/engine-ours" 2>/dev/null
}

# info_field NAME: a field of the text output of `docker info`, which every version prints
info_field() { sed -n "s/^ *$1: *//p" "$SCRATCH/engine-info" | sed -n 1p; }

# info_list NAME: the indented lines below that field
info_list() {
    awk -v name="$1:" '
        { line = $0; sub(/^ */, "", line); depth = length($0) - length(line) }
        inside && depth <= start { exit }
        inside { print line }
        line == name || index(line, name " ") == 1 { inside = 1; start = depth }' "$SCRATCH/engine-info"
}

# is_rootless: the engine runs as a user
is_rootless() { info_list 'Security Options' | grep -q '^\(name=\)\{0,1\}rootless'; }

# remaps_users: the engine maps the users of containers
remaps_users() { info_list 'Security Options' | grep -q '^\(name=\)\{0,1\}userns'; }

measure_docker() {
    local said
    if [ -n "$DOCKER" ]; then
        if [ "$ENGINE" = podman ]; then measure_podman_version; else check_version "$ENGINE_VERSION"; fi
    elif [ "$LACKING" = whole ]; then
        check_engine_lacking
    elif [ -n "$REMOTE" ]; then
        check pass - # measure_engine_mode reports why it was not queried
    elif ! have docker; then
        if [ -n "$FOREIGN" ]; then
            check fail "$(format checks.none)" "$(show_amount "$required" '')" "$(format remedy.docker_foreign "$FOREIGN")"
        elif can_probe podman; then
            check fail "$(format checks.podman_only)" "$(show_amount "$required" '')" "$(format remedy.podman)"
        else
            check fail "$(format checks.none)" "$(show_amount "$required" '')" "$(format remedy.docker_absent)"
        fi
    elif [ "$DOCKER_CODE" = 124 ]; then
        check fail "$(format checks.hangs)" "$(show_amount "$required" '')" "$(format remedy.docker_hangs)"
    else
        said=$(grep -v '^$' "$SCRATCH/docker-error" | sed -n 1p)
        check fail "${said:-$(format checks.no_answer)}" "$(show_amount "$required" '')"
    fi
}

# measure_engine_mode: what works differently with Podman, a rootless engine, user namespaces or an engine on another machine
measure_engine_mode() {
    if [ -n "$REMOTE" ]; then
        check fail "$(format checks.remote "$REMOTE")" "$(format checks.local)" "$(format remedy.engine_remote "$REMOTE_REMEDY")"
        return
    elif [ -z "$DOCKER" ]; then
        check pass -
        return
    fi
    if [ "$ENGINE" = podman ]; then
        measure_podman
    elif is_rootless; then
        check warn rootless root "$(format remedy.engine_rootless)"
    elif remaps_users; then
        check warn userns-remap root "$(format remedy.engine_userns)"
    else
        check pass root root
    fi
}

measure_docker_storage() {
    local driver shown
    driver=$(info_field 'Storage Driver')
    if [ -z "$DOCKER" ] || [ -z "$driver" ]; then
        check pass -
        return
    fi
    shown="$driver ($(info_field 'Backing Filesystem'))"
    [ -n "$(info_field 'Backing Filesystem')" ] || shown=$driver
    if [ "$(info_field 'Supports d_type')" = false ]; then
        check fail "$shown: $(format checks.lacking d_type)" overlay2 "$(format remedy.d_type "$ENGINE_ROOT")"
        return
    fi
    case $driver in
        overlay2 | overlayfs | overlay | btrfs | zfs | fuse-overlayfs | stargz)
            if [ "$driver:$ENGINE" = overlay:docker ]; then check warn "$shown" overlay2; else check pass "$shown" overlay2; fi
            ;;
        *) check warn "$shown" overlay2 ;;
    esac
}

# measure_unpacker: compact images require a program that reads their one stream, and memory for its window
measure_unpacker() {
    local version result window_bytes free_memory
    if ! is_compact; then
        check pass -
    elif [ "$LACKING" = whole ] && [ -n "$INSTALL_ENGINE" ] && [ "$(number_fact window)" -le 27 ] && ! have zstd; then
        version=$(engine_parts version)
        if at_least "${version:-0}" 23.0; then result=pass; else result=fail; fi
        check "$result" "Docker $version" 'zstd, Docker 23.0'
    elif find_unpacker; then
        # doubled in a loop, because awk of busybox may be built without powers
        window_bytes=$(awk -v window="$(number_fact window)" 'BEGIN { for (b = 1; window > 0; window--) b *= 2; printf "%.0f", b }')
        free_memory=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' "$PROBE_ROOT/proc/meminfo")
        if is_number "$free_memory" && below "$free_memory" "$window_bytes"; then
            check fail "$(human "$free_memory")" "$(human "$window_bytes")" "$(format remedy.memory-available)"
        else
            check pass "$UNPACKER" 'zstd, Docker 23.0'
        fi
    else
        check fail "$(format checks.none)" 'zstd, Docker 23.0'
    fi
}

measure_compose() {
    if find_compose; then
        check_version "${COMPOSE_VERSION#v}"
    elif [ -n "$LACKING" ]; then
        check_lacking
    elif [ "$ENGINE" = podman ]; then
        check fail "$(format checks.none)" "$required" "$(format remedy.podman)"
    else
        check fail "$(format checks.none)" "$required"
    fi
}

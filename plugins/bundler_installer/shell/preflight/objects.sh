# ---- preflight/objects: objects of the engine that the document names, and those whose names it takes

# measure_external: networks, volumes and containers that somebody else makes
measure_external() {
    local shown service='' what='' value=''
    select_features network volume other-container || return 0
    while read_feature service what value; do
        shown="$(format "object.$what") $(name_feature "$service" "$value")"
        if [ -z "$DOCKER" ]; then
            check warn "$shown: $(format checks.no_engine)" "$(format checks.exists)" "$(remedy_external)"
        elif has_object; then
            check pass "$shown" "$(format checks.exists)"
        elif [ "$what" = network ] && [ "$(info_field Swarm)" = active ]; then
            # a node learns of an overlay network only when it is used there
            check warn "$shown: $(format checks.none)" "$(format checks.exists)" "$(remedy_external)"
        else
            check fail "$shown: $(format checks.none)" "$(format checks.exists)" "$(remedy_external)"
        fi
    done <"$SCRATCH/selected"
}

# has_object: whether the engine has the object of the line that was read, under exactly this name or ID
has_object() {
    case $what in
        network) within 20 docker network ls --no-trunc --format '{{.Name}} {{.ID}}' ;;
        volume) within 20 docker volume ls --format '{{.Name}}' ;;
        *) within 20 docker ps -a --no-trunc --format '{{.Names}} {{.ID}}' ;;
    esac 2>/dev/null | tr ' ' '\n' | tr ',' '\n' | grep -qxF -e "$value"
}

# remedy_external: how to make the object of the line that was read
remedy_external() {
    case $what in
        network) format remedy.external "docker network create $value" ;;
        volume) format remedy.external "docker volume create $value" ;;
        *) format remedy.external_container "$value" ;;
    esac
}

# measure_container_name: a name that the document fixes must not belong to a container of something else
measure_container_name() {
    local owner shown service='' value=''
    select_features container || return 0
    while read_feature service value; do
        shown=$(name_feature "$service" "$value")
        owner=''
        if [ -n "$DOCKER" ]; then owner=$(name_owner); fi
        case $owner in
            '') check pass "$shown: $(format checks.free)" "$(format checks.free)" ;;
            "project $PROJECT" | "project ${OLD_PROJECT:-$PROJECT}")
                check pass "$shown: $(format checks.ours_already)" "$(format checks.free)"
                ;;
            project*)
                check fail "$shown: $(format checks.taken_project "${owner#project }")" "$(format checks.free)" \
                    "$(format remedy.container-name "$value" "$value")"
                ;;
            *)
                check fail "$shown: $(format checks.taken_container)" "$(format checks.free)" \
                    "$(format remedy.container-name "$value" "$value")"
                ;;
        esac
    done <"$SCRATCH/selected"
}

# name_owner: `project NAME` or `other` if a container has the name that was read; nothing if none has
name_owner() {
    within 20 docker ps -a --format '{{.Names}} {{.Label "com.docker.compose.project"}}' 2>/dev/null |
        awk -v wanted="$value" '
            { n = split($1, names, ","); for (i = 1; i <= n; i++) if (names[i] == wanted) found = NF > 1 ? "project " $2 : "other" }
            END { if (found) print found }'
}

# measure_driver: drivers that are not in every engine, and interfaces that a network uses
measure_driver() {
    local kind shown service='' what='' value=''
    select_features log-driver network-driver volume-driver interface || return 0
    while read_feature service what value; do
        shown="$(format "object.$what") $(name_feature "$service" "$value")"
        case $what in
            interface) judge_interface ;;
            *)
                case $what in log-driver) kind=Log ;; network-driver) kind=Network ;; *) kind=Volume ;; esac
                judge_driver
                ;;
        esac
    done <"$SCRATCH/selected"
}

# judge_driver: the engine lists its drivers in `docker info`, below a heading that the client's plugins have too
judge_driver() {
    local drivers
    drivers=$(info_field "$kind")
    if [ "$value" = none ]; then
        check pass "$shown" "$(format checks.exists)"
    elif [ -z "$drivers" ]; then
        check warn "$shown: $(format checks.unknown)" "$(format checks.exists)"
    else
        case " $drivers " in
            *" $value "* | *" $value:latest "*) check pass "$shown" "$(format checks.exists)" ;;
            *) check fail "$shown: $(format checks.none)" "$(format checks.exists)" ;;
        esac
    fi
}

# judge_interface: macvlan and ipvlan make a missing VLAN interface such as eth0.10 themselves
judge_interface() {
    local parent
    for parent in "$value" "${value%.*}"; do
        case $parent in */*) continue ;; esac
        if [ -e "$PROBE_ROOT/sys/class/net/$parent" ]; then
            check pass "$shown" "$(format checks.exists)"
            return
        fi
    done
    check fail "$shown: $(format checks.none)" "$(format checks.exists)" "$(format remedy.interface)"
}

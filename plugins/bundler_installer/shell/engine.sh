# ---- engine: Docker and Compose, called in one place

# clean_environment COMMAND...: run with nothing of the operator's shell that Compose would take for a variable
clean_environment() {
    for variable in DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_PATH DOCKER_TLS_VERIFY XDG_RUNTIME_DIR TMPDIR; do
        case $variable in
            DOCKER_HOST) content=${DOCKER_HOST:-} ;;
            DOCKER_CONFIG) content=${DOCKER_CONFIG:-} ;;
            DOCKER_CONTEXT) content=${DOCKER_CONTEXT:-} ;;
            DOCKER_CERT_PATH) content=${DOCKER_CERT_PATH:-} ;;
            DOCKER_TLS_VERIFY) content=${DOCKER_TLS_VERIFY:-} ;;
            XDG_RUNTIME_DIR) content=${XDG_RUNTIME_DIR:-} ;;
            TMPDIR) content=${TMPDIR:-} ;;
        esac
        [ -z "$content" ] || set -- "$variable=$content" "$@"
    done
    env -i PATH="$PATH" HOME="${HOME:-/root}" "$@"
}

# docker_answers: within a limit; an engine that hangs is as bad as none. Sets docker_code
docker_answers() {
    docker_code=127
    have docker || return 1
    within 20 docker version -f '{{.Server.Version}}' >"$SCRATCH/docker-version" 2>"$SCRATCH/docker-error"
    docker_code=$?
    [ "$docker_code" = 0 ] && [ -s "$SCRATCH/docker-version" ]
}

# is_podman: whether what answers as Docker is Podman's service, or Podman itself under the name of docker
is_podman() {
    {
        within 20 docker version -f '{{range .Server.Components}}{{.Name}} {{end}}'
        docker --version
    } 2>/dev/null | grep -qi podman
}

# find_compose: the plugin, else a standalone binary of version 2; what a run has found, it keeps
find_compose() {
    [ -z "$COMPOSE" ] || return 0
    COMPOSE_VERSION=''
    if have docker && COMPOSE_VERSION=$(docker compose version --short 2>/dev/null); then
        COMPOSE=plugin
    elif have docker-compose && COMPOSE_VERSION=$(docker-compose version --short 2>/dev/null); then
        case ${COMPOSE_VERSION#v} in
            [01].*) ;;
            *) COMPOSE=standalone ;;
        esac
    fi
    [ -n "$COMPOSE" ]
}

# compose ARGUMENT...: Compose on the release in HERE
compose() {
    set -- --ansi never --project-name "$PROJECT" --project-directory "$HERE/config" \
        --file "$HERE/config/compose.yaml" --env-file "$ROOT/state/compose.env" "$@"
    case $COMPOSE in
        plugin) clean_environment docker compose "$@" ;;
        *) clean_environment docker-compose "$@" ;;
    esac
}

require_engine() {
    docker_answers || explain_no_engine
    find_compose || fail $EXIT_FAILED engine.no_compose
}

# list_containers: a line a container of the project: service, state, health, exit code, restarts, ID, restart policy.
# What somebody runs with `compose run` is none of them
list_containers() {
    inspect_containers '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{or .Status "none"}}{{else}}none{{end}} {{.State.ExitCode}} {{.RestartCount}} {{.ID}} {{.HostConfig.RestartPolicy.Name}}' \
        --filter label=com.docker.compose.oneoff=False
}

# inspect_containers TEMPLATE [FILTER...]: of the project's; asked again where one went between its name and its facts
inspect_containers() {
    template=$1 asked=0
    shift
    while [ "$asked" -lt 3 ]; do
        asked=$((asked + 1))
        docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$PROJECT" "$@" >"$SCRATCH/ids" 2>/dev/null || return 1
        [ -s "$SCRATCH/ids" ] || return 0
        if xargs docker inspect -f "$template" <"$SCRATCH/ids" >"$SCRATCH/inspected" 2>/dev/null; then
            cat "$SCRATCH/inspected"
            return 0
        fi
    done
    return 1
}

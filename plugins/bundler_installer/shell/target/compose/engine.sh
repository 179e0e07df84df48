# ---- target/compose/engine: all calls of Docker and Compose

# choose_engine: which engine the docker commands of this run use, with a separate configuration: the operator's may hold
# proxies, which Compose would pass to the services. Sets REMOTE if the operator's engine is on another machine
choose_engine() {
    local operator
    REMOTE='' REMOTE_REMEDY=''
    # an empty variable selects nothing, but versions of the docker command differ in that
    [ -n "${DOCKER_HOST:-}" ] || unset DOCKER_HOST
    [ -n "${DOCKER_CONTEXT:-}" ] || unset DOCKER_CONTEXT
    operator=${DOCKER_CONFIG:-$HOME/.docker}
    if [ -n "${DOCKER_HOST:-}" ]; then
        judge_engine "$DOCKER_HOST" DOCKER_HOST 'unset DOCKER_HOST'
    elif ! have docker; then
        :
    elif [ -n "${DOCKER_CONTEXT:-}" ]; then
        ask_context "DOCKER_CONTEXT=$DOCKER_CONTEXT" 'unset DOCKER_CONTEXT'
    elif grep -q '"currentContext"' "$operator/config.json" 2>/dev/null; then
        ask_context "$operator/config.json" 'docker context use default'
    fi
    unset DOCKER_CONTEXT
    { (umask 077 && mkdir -p "$SCRATCH/docker") && printf '{}\n' >"$SCRATCH/docker/config.json"; } ||
        lose_scratch
    # where a user may have installed Compose
    if [ -d "$operator/cli-plugins" ]; then
        ln -s "$(cd -- "$operator/cli-plugins" && pwd -P)" "$SCRATCH/docker/cli-plugins" || lose_scratch
    fi
    export DOCKER_CONFIG="$SCRATCH/docker"
}

# ask_context WHERE REMEDY: the address of the current context, which may be a socket of this machine
ask_context() {
    local endpoint
    if endpoint=$(docker context inspect -f '{{.Endpoints.docker.Host}}' 2>/dev/null </dev/null) && [ -n "$endpoint" ]; then
        judge_engine "$endpoint" "$1" "$2"
    else
        judge_engine "$(format checks.unknown)" "$1" "$2"
    fi
}

# judge_engine ADDRESS WHERE REMEDY: a socket of this machine is used; any other address may be another machine
judge_engine() {
    case $1 in
        unix:///*) export DOCKER_HOST="$1" ;;
        *)
            REMOTE=$(printf '%s (%s)' "$1" "$2" | tr -d '\000-\037\177')
            REMOTE_REMEDY=$3
            ;;
    esac
}

# refuse_remote: commands that use the engine end here
refuse_remote() { [ -z "${REMOTE:-}" ] || fail $EXIT_FAILED engine.remote "$REMOTE" "$REMOTE_REMEDY"; }

# docker_answers: with a time limit, because an engine may hang. Sets DOCKER_CODE
docker_answers() {
    DOCKER_CODE=127
    if [ -n "${REMOTE:-}" ] || ! have docker; then return 1; fi
    within 20 docker version -f '{{.Server.Version}}' >"$SCRATCH/docker-version" 2>"$SCRATCH/docker-error"
    DOCKER_CODE=$?
    [ "$DOCKER_CODE" = 0 ] && [ -s "$SCRATCH/docker-version" ]
}

# target_answers: whether what runs the services can be asked
target_answers() { docker_answers; }

# lose_target: end the run, because it does not answer
lose_target() { fail $EXIT_FAILED engine.no_docker; }

served_version() { docker version -f '{{.Server.Version}}' 2>/dev/null; }

# engine_folder: where the engine keeps images and volumes
engine_folder() { docker info -f '{{.DockerRootDir}}' 2>/dev/null; }

# name_target: after target_answers and find_compose: its versions
name_target() { printf '%s, Compose %s' "$(cat "$SCRATCH/docker-version")" "${COMPOSE_VERSION#v}"; }

# describe_engine: all that it says of itself
describe_engine() {
    docker version 2>&1
    printf 'Compose %s\n' "$COMPOSE_VERSION"
    docker info 2>&1
}

# is_podman: whether the program that answers as Docker is Podman's service, or Podman itself under the name docker
is_podman() {
    {
        within 20 docker version -f '{{range .Server.Components}}{{.Name}} {{end}}'
        docker --version
    } 2>/dev/null | grep -qi podman
}

# find_compose: the plugin, else a standalone binary of version 2; the result is kept for the run
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

# compose ARGUMENT...: run Compose on the release in HERE
compose() {
    set -- --env-file "$ROOT/state/compose.env" "$@"
    case $HERE in "$ROOT"/releases/*) [ ! -f "$HERE/.mounted.yaml" ] || set -- --file "$HERE/.mounted.yaml" "$@" ;; esac
    set -- --ansi never --project-name "$PROJECT" --project-directory "$HERE/config" --file "$HERE/config/compose.yaml" "$@"
    case $COMPOSE in
        plugin) clean_environment docker compose "$@" ;;
        *) clean_environment docker-compose "$@" ;;
    esac
}

# list_containers: a line per container of the project: service, state, health, exit code, restarts, ID, restart policy and
# how often it restarts at most; then its name, its number and, from newer versions of Compose, what it replaces. Containers
# of `compose run` are not listed
list_containers() {
    inspect_containers '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{or .Status "none"}}{{else}}none{{end}} {{.State.ExitCode}} {{.RestartCount}} {{.ID}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.Name}} {{index .Config.Labels "com.docker.compose.container-number"}} {{index .Config.Labels "com.docker.compose.replace"}}' \
        --filter label=com.docker.compose.oneoff=False
}

# inspect_containers TEMPLATE [FILTER...]: of the project; repeated if a container disappears between listing and inspection
inspect_containers() {
    local template asked
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

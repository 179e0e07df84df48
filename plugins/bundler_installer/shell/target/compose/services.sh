# ---- target/compose/services: Compose creates, starts and stops containers, and what it says

# settle_replaced FILE: if a run of Compose was killed while it replaced a container, the new one is still named `<12 digits of
# the old one's ID>_<name>`, and the next run may fail because it creates one of that name again. It is removed where the old one
# is still there, else it gets its name. FILE is what list_containers wrote. Source: docker/compose, pkg/compose/reconcile.go of
# 5.6.0, `planRecreateContainer`
settle_replaced() {
    local each settled
    awk -v project="$PROJECT" "$PROGRAM_COMPOSE_REPLACED" "$1" >"$SCRATCH/replaced" || return 1
    while read -r each settled; do
        write_log "settled $each ${settled:-removed}"
        if [ -n "$settled" ]; then docker rename "$each" "$settled"; else docker rm -f "$each"; fi >/dev/null 2>"$SCRATCH/settle" ||
            write_log "$(cat "$SCRATCH/settle")" # Compose says what it thinks of that name
    done <"$SCRATCH/replaced"
}

# prepare_launch: before each start; $SCRATCH/before has the containers
prepare_launch() {
    settle_replaced "$SCRATCH/before" || lose_scratch
    label_mounts
}

# launch [SERVICE...]: create and start what is not there as the release describes it, or these services alone
launch() {
    if [ $# -gt 0 ]; then compose up -d --no-deps "$@"; else compose up -d --remove-orphans; fi
}

# quote_refusal: the last lines of Compose's output, without those of its progress such as `Container shop-web-1  Created`,
# and what to do about those that have a known reason
quote_refusal() {
    local said
    redact <"$SCRATCH/up" | awk '
        !NF { next }
        /^ *(Container|Network|Volume|Image) [^ ]+ +[A-Z][a-z]+ *$/ { progress = $0; next }
        { print; said = 1 }
        END { if (!said && progress) print progress }' | tail -n 5 >"$SCRATCH/up-end" || lose_scratch
    warn services.refused "$(sed 's/^/    /' "$SCRATCH/up-end")"
    said=$(tr '\n' ' ' <"$SCRATCH/up-end")
    case $said in
        *'port is already allocated'* | *'address already in use'* | *'ports are not available'*) warn services.refused_port ;;
        *'container name'*'is already in use'*) warn services.refused_name ;;
        *'network'*'not found'* | *'network'*'could not be found'*) warn services.refused_network ;;
        *'volume'*'not found'* | *'volume'*'could not be found'*) warn services.refused_volume ;;
        *'No such image'* | *'no such image'* | *'pull access denied'* | *'manifest unknown'* | *'failed to resolve reference'*)
            warn services.refused_image ;;
        *'no space left on device'*) warn services.refused_space ;;
    esac
}

# start_one SERVICE: without those that it depends on, and as it is; what Compose says is in $SCRATCH/up
start_one() {
    list_containers >"$SCRATCH/before-one" || lose_target
    settle_replaced "$SCRATCH/before-one" || lose_scratch
    compose up -d --no-deps --no-recreate "$1" >"$SCRATCH/up" 2>&1
}

# create_services [--no-recreate]: create containers and volumes without a start; what Compose says is in $SCRATCH/up
create_services() { compose create "$@" >"$SCRATCH/up" 2>&1; }

# halt [SERVICE...]: stop these services, or all; what Compose says is in $SCRATCH/stop
halt() { compose stop "$@" >"$SCRATCH/stop" 2>&1; }

# list_running: the running containers of the project, of any release
list_running() { docker ps -q --no-trunc --filter "label=com.docker.compose.project=$PROJECT"; }

# stop_project: stop all its services, of any release
stop_project() {
    list_running >"$SCRATCH/running" || lose_target
    [ -s "$SCRATCH/running" ] || return 0
    xargs docker stop <"$SCRATCH/running" >/dev/null 2>"$SCRATCH/stop" ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"
}

# start_again CONTAINER...: those that list_running named before they were stopped. The engine completes a stop that was
# requested, and a start before that has no effect, so they are stopped first; within time limits, as signals may be ignored
start_again() {
    within 600 docker stop "$@" >/dev/null 2>&1
    within 120 docker start "$@" >/dev/null 2>&1
}

# run_in SERVICE COMMAND...: in its container, without a terminal
run_in() { compose exec -T "$@"; }

# remove_services [--volumes]: remove their containers and networks
remove_services() {
    compose down "$@" --remove-orphans >"$SCRATCH/down" 2>&1 ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
}

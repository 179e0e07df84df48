# ---- target/compose/containers: what the engine says about containers, and what runs in them

# list_chosen [OPTION...]: lines of the project's containers, or of the services that were named, to $SCRATCH/chosen
list_chosen() {
    docker ps --filter "label=com.docker.compose.project=$PROJECT" --no-trunc "$@" \
        --format "{{.Label \"com.docker.compose.service\"}}$TAB{{.ID}}$TAB{{.Names}}$TAB{{.Status}}$TAB{{.Ports}}" >"$SCRATCH/listed" || return 1
    awk -F "$TAB" -v chosen=" $SERVICES " "$AWK_LISTED_CONTAINER"'
        chosen == "  " || index(chosen, " " $LISTED_CONTAINER["service"] " ")' "$SCRATCH/listed" | LC_ALL=C sort >"$SCRATCH/chosen" || lose_scratch
}

# measure_use: what the containers of $SCRATCH/ids use now, to $SCRATCH/stats
measure_use() {
    xargs docker stats --no-stream --format "{{.Name}}$TAB{{.CPUPerc}}$TAB{{.MemUsage}}$TAB{{.MemPerc}}" <"$SCRATCH/ids" \
        >"$SCRATCH/stats" 2>/dev/null
}

# list_processes CONTAINER
list_processes() { docker top "$1"; }

# lacked_memory: whether the kernel ended one of the containers of $SCRATCH/ids for its use of memory
lacked_memory() {
    case $(xargs docker inspect -f '{{.State.OOMKilled}}' <"$SCRATCH/ids" 2>/dev/null) in *true*) return 0 ;; esac
    return 1
}

# read_logs [OPTION...] [SERVICE...]
read_logs() { compose logs "$@"; }

# attach_to [-T] SERVICE PROGRAM [ARGUMENT...]: run it with the operator's terminal, or without one
attach_to() { compose exec "$@"; }

show_containers() { docker ps -a --no-trunc --filter "label=com.docker.compose.project=$PROJECT"; }

show_use() { docker stats --no-stream; }

show_services() { compose ps -a; }

# inspect_service SERVICE: its containers as the engine sees them, with only the names of environment variables
inspect_service() {
    docker ps -aq --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.service=$1" >"$SCRATCH/ids"
    [ ! -s "$SCRATCH/ids" ] || xargs docker inspect <"$SCRATCH/ids" | awk '
        /^ *"Env": \[/ { inside = 1 }
        inside && /^ *"[A-Za-z_][A-Za-z0-9_]*=/ { comma = /,$/ ? "," : ""; sub(/=.*/, "=******\"" comma) }
        inside && /^ *\]/ { inside = 0 }
        { print }'
}

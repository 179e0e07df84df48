# ---- target/kubernetes/services: Deployments and Jobs are applied, scaled and removed

# prepare_launch: before each start: the objects as the installation filled them in
prepare_launch() {
    [ -d "$HERE/.objects" ] || fail $EXIT_FAILED kubernetes.no_objects "$HERE"
    { rm -rf "$SCRATCH/objects" && (umask 077 && cp -R "$HERE/.objects" "$SCRATCH/objects"); } || lose_scratch
    drop_hanging_pods
}

# drop_hanging_pods: those that the kubelet tries again only after a pause, because they failed before: each gets a successor at
# once. Jobs that have failed, or whose pods hang, are made anew
drop_hanging_pods() {
    list_pods >"$SCRATCH/pods-and-jobs" || lose_target
    awk '$1 == "pod" && $5 == "here" && ($11 " " $14) ~ /BackOff|ErrImage|InvalidImageName|CreateContainer/ { print ($6 == "-" ? "pod/" $2 : "job/" $6) }
        $1 == "job" && $4 ~ /,Failed/ { print "job/" $2 }' "$SCRATCH/pods-and-jobs" | sort -u >"$SCRATCH/hanging" || lose_scratch
    [ -s "$SCRATCH/hanging" ] || return 0
    # shellcheck disable=SC2046 # word splitting is intended
    kube delete --cascade=foreground --timeout 120s $(cat "$SCRATCH/hanging") >"$SCRATCH/dropped" 2>&1 || write_log "$(cat "$SCRATCH/dropped")"
}

# launch [SERVICE...]: apply all objects, or the workloads of these services, and wait until each Deployment has pods of this
# definition alone
launch() {
    local file
    if [ $# -gt 0 ]; then
        for file in "$SCRATCH/objects"/*.yaml; do
            is_workload_of "$file" "$@" || rm -f "$file" || return 1
        done
    fi
    apply_objects || {
        cat "$SCRATCH/apply-error" >&2
        return 1
    }
    grep '^Warning: ' "$SCRATCH/applied" >&2
    [ $# -gt 0 ] || drop_left_objects || return 1
    scale_back "$@" || return 1
    list_scales "$@" >"$SCRATCH/scales" || return 1
    [ -s "$SCRATCH/scales" ] || return 0
    kube rollout status deployment -l "$(select_objects "$@")" --timeout 24h
}

# drop_left_objects: those that the site no longer has, such as an Ingress after ports are published another way
drop_left_objects() {
    kube get "$(join_kinds)" -l "$(select_objects),app.kubernetes.io/managed-by=bundle" -o name >"$SCRATCH/there" || return 1
    awk 'NR == FNR { own[$1]; next } !($1 in own)' "$SCRATCH/applied" "$SCRATCH/there" >"$SCRATCH/left-objects" || return 1
    [ -s "$SCRATCH/left-objects" ] || return 0
    # shellcheck disable=SC2046 # word splitting is intended
    kube delete $(cat "$SCRATCH/left-objects")
}

# is_workload_of FILE SERVICE...: whether the object is a workload of one of them
is_workload_of() {
    local file each
    file=$1
    shift
    case ${file##*/} in 60-*) ;; *) return 1 ;; esac
    for each in "$@"; do
        ! grep -qxF "    app.kubernetes.io/component: \"$each\"" "$file" || return 0
    done
    return 1
}

# list_scales [SERVICE...]: name and replicas of Deployments
list_scales() {
    kube get deployments -l "$(select_objects "$@")" -o 'go-template={{range .items}}{{.metadata.name}} {{.spec.replicas}}{{"\n"}}{{end}}' 2>"$SCRATCH/cluster-error"
}

# scale_back [SERVICE...]: to what it was before `stop`, where the operator had scaled by hand
scale_back() {
    local name replicas
    [ -s "$ROOT/state/replicas" ] || return 0
    list_scales "$@" >"$SCRATCH/scales" || return 1
    while read -r name replicas; do
        ! awk -v name="$name" '$1 == name { found = 1 } END { exit !found }' "$SCRATCH/scales" || kube scale deployment "$name" --replicas "$replicas" || return 1
    done <"$ROOT/state/replicas"
    awk 'NR == FNR { scaled[$1]; next } !($1 in scaled)' "$SCRATCH/scales" "$ROOT/state/replicas" >"$SCRATCH/replicas" &&
        cat "$SCRATCH/replicas" >"$ROOT/state/replicas"
}

# halt [SERVICE...]: no pods of these services, or of all; their numbers are remembered. Jobs end by themselves
halt() {
    local halted
    list_scales "$@" >"$SCRATCH/scales" || {
        cat "$SCRATCH/cluster-error" >"$SCRATCH/stop"
        return 1
    }
    { touch "$ROOT/state/replicas" && awk 'NR == FNR { if ($2 > 0) { print; noted[$1] }; next } !($1 in noted)' "$SCRATCH/scales" "$ROOT/state/replicas" >"$SCRATCH/replicas" &&
        cat "$SCRATCH/replicas" >"$ROOT/state/replicas"; } || fail $EXIT_FAILED release.disk "$ROOT"
    awk '$2 > 0 { print "deployment/" $1 }' "$SCRATCH/scales" >"$SCRATCH/halting" || lose_scratch
    if [ -s "$SCRATCH/halting" ]; then
        # shellcheck disable=SC2046 # word splitting is intended
        kube scale --replicas 0 $(cat "$SCRATCH/halting") >"$SCRATCH/stop" 2>&1 || return 1
    fi
    halted=$(date +%s)
    while :; do
        kube get pods -l "$(select_objects "$@"),!job-name" -o name >"$SCRATCH/pods" 2>"$SCRATCH/stop" || return 1
        [ -s "$SCRATCH/pods" ] || return 0
        if [ $(($(date +%s) - halted)) -ge 600 ]; then
            cat "$SCRATCH/pods" >"$SCRATCH/stop"
            return 1
        fi
        sleep 1
    done
}

stop_project() { halt || fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/stop" | tail -n 3)"; }

# start_one SERVICE
start_one() {
    prepare_launch
    launch "$1" >"$SCRATCH/up" 2>&1
}

# quote_refusal: what the server said
quote_refusal() {
    redact <"$SCRATCH/up" | grep -v '^Waiting for deployment\|^deployment "[^"]*" successfully\|^$' | tail -n 5 >"$SCRATCH/up-end"
    [ ! -s "$SCRATCH/up-end" ] || warn kubernetes.said "$(sed 's/^/    /' "$SCRATCH/up-end")"
}

# remove_services [--volumes]: all objects with the application's label, except claims and Secrets
remove_services() {
    [ -s "$ROOT/state/kinds" ] || return 0
    kube delete "$(join_kinds)" -l "$(select_objects),app.kubernetes.io/managed-by=bundle" --cascade=foreground --timeout 600s >"$SCRATCH/down" 2>&1 ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
}

# drop_secrets: those of the application
drop_secrets() {
    kube delete secrets -l "$(select_objects),app.kubernetes.io/managed-by=bundle" --timeout 120s >"$SCRATCH/down" 2>&1 ||
        fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
}

# print_published: the address of each published port
print_published() {
    local type service name port node_port address
    # shellcheck disable=SC2016 # a variable of the template
    kube get services -l "$(select_objects)" -o 'go-template={{range .items}}{{$s := .}}{{range .spec.ports}}{{$s.spec.type}} {{index $s.metadata.labels "app.kubernetes.io/component"}} {{$s.metadata.name}} {{.port}} {{or .nodePort "-"}} {{if $s.status.loadBalancer.ingress}}{{with index $s.status.loadBalancer.ingress 0}}{{or .ip .hostname}}{{end}}{{else}}-{{end}}{{"\n"}}{{end}}{{end}}' >"$SCRATCH/published" 2>/dev/null || return 0
    while read -r type service name port node_port address; do
        case $type in
            NodePort) say kubernetes.node_port "$service" "$node_port" ;;
            LoadBalancer) say ending.port "$service" "$address:$port" ;;
        esac
    done <"$SCRATCH/published"
}

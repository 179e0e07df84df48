# ---- target/kubernetes/pods: what the cluster says about pods, and what runs in them

STATE_OF='{{with .state}}{{if .running}}running - -{{else if .waiting}}waiting {{or .waiting.reason "-"}} -{{else if .terminated}}terminated {{or .terminated.reason "-"}} {{.terminated.exitCode}}{{else}}none - -{{end}}{{else}}none - -{{end}}'
POD_OF='pod {{.metadata.name}} {{index .metadata.labels "app.kubernetes.io/component"}} {{.status.phase}} {{if .metadata.deletionTimestamp}}gone{{else}}here{{end}} {{with index .metadata.labels "job-name"}}{{.}}{{else}}-{{end}} {{with index .spec.containers 0}}{{if .readinessProbe}}probed{{else}}plain{{end}}{{end}}'
JOB_OF='job {{.metadata.name}} {{index .metadata.labels "app.kubernetes.io/component"}} conditions{{range .status.conditions}}{{if eq .status "True"}},{{.type}}{{end}}{{end}}'

# list_pods: a line per pod and Job of the application, see awk/kubernetes/states
list_pods() {
    kube get pods,jobs --request-timeout 60s -l "$(select_objects)" -o "go-template={{range .items}}{{if eq .kind \"Pod\"}}$POD_OF {{if .status.containerStatuses}}{{with index .status.containerStatuses 0}}{{.ready}} {{.restartCount}} $STATE_OF{{end}}{{else}}false 0 none - -{{end}} {{if .status.initContainerStatuses}}{{with index .status.initContainerStatuses 0}}$STATE_OF{{end}}{{else}}none - -{{end}} {{.metadata.creationTimestamp}}{{else}}$JOB_OF{{end}}{{\"\\n\"}}{{end}}" \
        2>"$SCRATCH/cluster-error"
}

# list_containers: a line per pod, and one per Job, in the columns of the other target
list_containers() {
    list_pods >"$SCRATCH/pods-and-jobs" || return 1
    awk "$PROGRAM_KUBERNETES_STATES" "$SCRATCH/pods-and-jobs"
}

# find_pod SERVICE: sets `pod`: one whose container runs, a ready one if there is one
find_pod() {
    list_pods >"$SCRATCH/pods-and-jobs" || return 1
    pod=$(awk -v service="$1" '$1 == "pod" && $3 == service && $5 == "here" && $10 == "running" { if ($8 == "true" || name == "") name = $2 } END { print name }' "$SCRATCH/pods-and-jobs")
    [ -n "$pod" ]
}

# attach_to [-T] SERVICE PROGRAM [ARGUMENT...]
attach_to() {
    local pod=''
    if [ "$1" = -T ]; then
        shift
        run_in "$@"
        return
    fi
    find_pod "$1" || fail $EXIT_FAILED kubernetes.no_pod "$1"
    shift
    kube exec --stdin --tty "$pod" -- "$@"
}

# run_in SERVICE COMMAND...: in a pod of it, without a terminal
run_in() {
    local pod=''
    find_pod "$1" || fail $EXIT_FAILED kubernetes.no_pod "$1"
    shift
    kube exec --stdin --quiet "$pod" -- "$@"
}

# read_logs [OPTION...] [SERVICE...]: with the options of Compose
read_logs() {
    local services prefix options
    services='' prefix=yes options=''
    while [ $# -gt 0 ]; do
        case $1 in
            --no-color) ;;
            --no-log-prefix) prefix='' ;;
            --follow | --timestamps) options="$options $1" ;;
            --tail) options="$options --tail=$2"; shift ;;
            --since)
                case $2 in
                    *T*Z | *T*+* | *T*-*:*) options="$options --since-time=$2" ;;
                    *-*-*T*:*:*) options="$options --since-time=$2Z" ;;
                    *-*-*T*) options="$options --since-time=$2:00Z" ;;
                    *-*-*) options="$options --since-time=$2T00:00:00Z" ;;
                    *) options="$options --since=$2" ;;
                esac
                shift
                ;;
            *) services="$services${services:+ }$1" ;;
        esac
        shift
    done
    [ -z "$prefix" ] || options="$options --prefix"
    # kubectl says in many words which container of a pod it reads
    {
        # shellcheck disable=SC2086 # word splitting is intended
        {
            kube logs $options --ignore-errors --max-log-requests 100 -l "$(select_objects $services)"
            printf '%s\n' $? >"$SCRATCH/read-code"
        } 2>&1 >&7 | grep -v '^Defaulted container ' >&2
    } 7>&1
    [ "$(cat "$SCRATCH/read-code")" = 0 ]
}

# list_running: the pods that run
list_running() { list_containers | awk '$2 == "running" { print $6 }'; }

# list_chosen [--all]: pods, or those of the services that were named, to $SCRATCH/chosen
list_chosen() {
    list_pods >"$SCRATCH/pods-and-jobs" || return 1
    awk -v OFS="$TAB" -v all="${1:-}" -v chosen=" $SERVICES " '
        $1 == "pod" && (all != "" || $10 == "running") && (chosen == "  " || index(chosen, " " $3 " ")) {
            print $3, $2, $2, ($5 == "gone" ? "Terminating" : $4) ($11 == "-" ? "" : " (" $11 ")") ($9 > 0 ? ", " $9 " restarts" : ""), "-" }' \
        "$SCRATCH/pods-and-jobs" | LC_ALL=C sort >"$SCRATCH/chosen" || lose_scratch
}

# measure_use: of the pods of $SCRATCH/ids, to $SCRATCH/stats, by the metrics API
measure_use() {
    kube top pods --no-headers -l "$(select_objects)" >"$SCRATCH/top" 2>"$SCRATCH/cluster-error" || return 1
    awk -v OFS="$TAB" 'NR == FNR { wanted[$1]; next } $1 in wanted { print $1, $2, $3, "-" }' "$SCRATCH/ids" "$SCRATCH/top" >"$SCRATCH/stats" || lose_scratch
}

# lose_use: end the run, because the use is not known
lose_use() { fail $EXIT_FAILED kubernetes.no_metrics "$(tail -n 1 "$SCRATCH/cluster-error")"; }

list_processes() { kube exec --quiet "$1" -- ps; }

# lacked_memory: whether the kernel ended one of the pods of $SCRATCH/ids for its use of memory
lacked_memory() {
    # shellcheck disable=SC2016 # a variable of the template
    kube get pods -l "$(select_objects)" -o 'go-template={{range .items}}{{$p := .metadata.name}}{{range .status.containerStatuses}}{{with .lastState.terminated}}{{$p}} {{.reason}}{{"\n"}}{{end}}{{with .state.terminated}}{{$p}} {{.reason}}{{"\n"}}{{end}}{{end}}{{end}}' 2>/dev/null |
        awk -v ids="$SCRATCH/ids" 'BEGIN { while ((getline line < ids) > 0) wanted[line] } $2 == "OOMKilled" && ($1 in wanted) { found = 1 } END { exit !found }'
}

show_containers() { kube get all,persistentvolumeclaims,networkpolicies,ingresses -l "$(select_objects)" -o wide; }

show_use() { kube top pods -l "$(select_objects)"; }

show_services() { kube get events --sort-by .lastTimestamp; }

# inspect_service SERVICE: its pods; values of the site stand in ConfigMaps and Secrets, not in them
inspect_service() { kube get pods -l "$(select_objects "$1")" -o json; }

# name_reasons SERVICE: why its pods do not run: what the kubelet waits for, the last warnings, and what to do about it
name_reasons() {
    local reasons
    list_reasons "$1" >"$SCRATCH/reasons" 2>/dev/null
    [ -s "$SCRATCH/reasons" ] || return 0
    redact <"$SCRATCH/reasons" | LC_ALL=C tr '\000-\010\013-\037\177' '?' | sed 's/^/    /' >&2
    reasons=$(tr '\n' ' ' <"$SCRATCH/reasons")
    case $reasons in
        *ErrImageNeverPull* | *ErrImagePull* | *ImagePullBackOff* | *InvalidImageName*) warn kubernetes.remedy_image ;;
        *'unbound immediate PersistentVolumeClaims'* | *'persistentvolumeclaim'*'not found'* | *ProvisioningFailed*) warn kubernetes.remedy_storage ;;
        *'Insufficient cpu'* | *'Insufficient memory'*) warn kubernetes.remedy_room ;;
        *'violates PodSecurity'*) warn kubernetes.remedy_security "$KUBE_NAMESPACE" ;;
        *OOMKilled*) warn kubernetes.remedy_memory ;;
    esac
}

# list_reasons SERVICE: lines for people
list_reasons() {
    local pod
    kube get pods -l "$(select_objects "$1")" -o "go-template={{range .items}}{{\$p := .metadata.name}}{{range .status.initContainerStatuses}}{{with .state.waiting}}{{\$p}}: {{.reason}} {{.message}}{{\"\\n\"}}{{end}}{{end}}{{range .status.containerStatuses}}{{with .state.waiting}}{{\$p}}: {{.reason}} {{.message}}{{\"\\n\"}}{{end}}{{with .lastState.terminated}}{{\$p}}: {{.reason}}, exit code {{.exitCode}}{{\"\\n\"}}{{end}}{{end}}{{end}}"
    kube get events --field-selector type=Warning -o 'go-template={{range .items}}{{.involvedObject.kind}}/{{.involvedObject.name}} {{.reason}}: {{.message}}{{"\n"}}{{end}}' >"$SCRATCH/events"
    kube get deployments,jobs,pods,persistentvolumeclaims -l "$(select_objects "$1")" -o 'go-template={{range .items}}{{.metadata.name}}{{"\n"}}{{end}}' >"$SCRATCH/of-service"
    awk 'NR == FNR { own[$1]; next }
        { name = $1; sub(/^[^\/]*\//, "", name); base = name; sub(/-[a-z0-9]+$/, "", base); if (name in own || base in own) print }' \
        "$SCRATCH/of-service" "$SCRATCH/events" | sort -u | tail -n 5
    awk -v service="$1" '$1 == "pod" && $3 == service && $13 == "running" { print $2 }' "$SCRATCH/pods-and-jobs" | while IFS= read -r pod; do
        kube logs "$pod" -c wait --tail 3
    done
}

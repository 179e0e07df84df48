# ---- target/kubernetes/cluster: which cluster, and all calls of kubectl. Everything of this folder stands in the function
# use_kubernetes, which replaces the functions of the same names for Docker

# list_kubeconfigs: the files of this server, where distributions and people keep them
list_kubeconfigs() {
    local each
    for each in /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml /etc/kubernetes/admin.conf "$HOME/.kube/config" \
        /var/snap/microk8s/current/credentials/client.config /var/lib/k0s/pki/admin.conf; do
        case $each in "$HOME"/*) ;; *) each=$PROBE_ROOT$each ;; esac
        [ ! -f "$each" ] || printf '%s\n' "$each"
    done
}

# find_kubectl: sets KUBECTL: the site's own program, with its first word where it is part of another
find_kubectl() {
    local each
    for each in kubectl k3s "$PROBE_ROOT/var/lib/rancher/rke2/bin/kubectl" microk8s k0s; do
        have "$each" || continue
        KUBECTL=$each
        return 0
    done
    return 1
}

# kube ARGUMENT...: kubectl for the site's cluster and namespace. Its environment is not the operator's
kube() {
    [ -z "$KUBE_NAMESPACE" ] || set -- --namespace "$KUBE_NAMESPACE" "$@"
    [ -z "$KUBE_CONTEXT" ] || set -- --context "$KUBE_CONTEXT" "$@"
    set -- --kubeconfig "$KUBE_CONFIG" --cache-dir "$SCRATCH/kube-cache" "$@"
    case ${KUBECTL##*/} in k3s | microk8s | k0s) set -- kubectl "$@" ;; esac
    clean_environment "$KUBECTL" "$@"
}

# choose_engine: find kubectl, the kubeconfig and the context: those of the options, those that the site remembers, or the only
# ones that there are
choose_engine() {
    COMPOSE=kubernetes COMPOSE_VERSION=''
    [ -n "$KUBE_CONFIG" ] || KUBE_CONFIG=$(note_field target kubeconfig)
    [ -n "$KUBE_CONTEXT" ] || KUBE_CONTEXT=$(note_field target context)
    choose_namespace
    find_kubectl || {
        KUBECTL=''
        case $COMMAND in support | inspect) return 0 ;; esac
        fail $EXIT_FAILED kubernetes.no_kubectl
    }
    [ -n "$KUBE_CONFIG" ] || choose_kubeconfig
    case $KUBE_CONFIG in /*) ;; *) KUBE_CONFIG=$(pwd -P)/$KUBE_CONFIG ;; esac
    { [ -f "$KUBE_CONFIG" ] && [ -r "$KUBE_CONFIG" ]; } || {
        case $COMMAND in support | inspect) return 0 ;; esac
        fail $EXIT_USAGE kubernetes.no_kubeconfig "$KUBE_CONFIG"
    }
    choose_context
}

# choose_namespace: sets KUBE_NAMESPACE: an installed site has one, and never another
choose_namespace() {
    local noted_namespace
    noted_namespace=$(note_field target namespace)
    if [ -n "$noted_namespace" ] && [ "${KUBE_NAMESPACE:-$noted_namespace}" != "$noted_namespace" ]; then
        fail $EXIT_USAGE kubernetes.other_namespace "$ROOT" "$noted_namespace" "$KUBE_NAMESPACE"
    fi
    [ -n "$KUBE_NAMESPACE" ] || KUBE_NAMESPACE=${noted_namespace:-$(printf '%s' "$NAME" | tr '._' '--')}
}

# choose_kubeconfig: sets KUBE_CONFIG: what KUBECONFIG names, or the only file in the usual places
choose_kubeconfig() {
    KUBE_CONFIG=${KUBECONFIG:-}
    case $KUBE_CONFIG in
        '') ;;
        *:*) fail $EXIT_USAGE kubernetes.several_kubeconfigs "$(printf '%s\n' "$KUBE_CONFIG" | tr ':' '\n' | sed 's/^/  --kubeconfig /')" ;;
        *) return 0 ;;
    esac
    keep "$SCRATCH/kubeconfigs" list_kubeconfigs
    case $(wc -l <"$SCRATCH/kubeconfigs" | tr -d ' ') in
        0) fail $EXIT_USAGE kubernetes.none ;;
        1) KUBE_CONFIG=$(cat "$SCRATCH/kubeconfigs") ;;
        *) fail $EXIT_USAGE kubernetes.several_kubeconfigs "$(sed 's/^/  --kubeconfig /' "$SCRATCH/kubeconfigs")" ;;
    esac
}

# choose_context: sets KUBE_CONTEXT: the one that is named, or the only one
choose_context() {
    local wanted_context
    wanted_context=$KUBE_CONTEXT KUBE_CONTEXT=''
    kube config get-contexts -o name >"$SCRATCH/contexts" 2>"$SCRATCH/cluster-error" ||
        fail $EXIT_USAGE kubernetes.bad_kubeconfig "$KUBE_CONFIG" "$(tail -n 1 "$SCRATCH/cluster-error")"
    KUBE_CONTEXT=$wanted_context
    [ -s "$SCRATCH/contexts" ] || fail $EXIT_USAGE kubernetes.bad_kubeconfig "$KUBE_CONFIG" "$(format checks.none)"
    if [ -n "$KUBE_CONTEXT" ]; then
        grep -qxF -e "$KUBE_CONTEXT" "$SCRATCH/contexts" ||
            fail $EXIT_USAGE kubernetes.no_context "$KUBE_CONFIG" "$KUBE_CONTEXT" "$(sed 's/^/  --context /' "$SCRATCH/contexts")"
        return 0
    fi
    [ "$(wc -l <"$SCRATCH/contexts" | tr -d ' ')" = 1 ] ||
        fail $EXIT_USAGE kubernetes.several_contexts "$KUBE_CONFIG" "$(sed 's/^/  --context /' "$SCRATCH/contexts")"
    KUBE_CONTEXT=$(cat "$SCRATCH/contexts")
}

# target_answers: and it is the cluster of this site. Sets KUBE_VERSION
target_answers() {
    KUBE_VERSION=''
    if [ -z "$KUBECTL" ] || [ ! -r "$KUBE_CONFIG" ]; then return 1; fi
    kube get --raw /version --request-timeout 20s >"$SCRATCH/cluster-version" 2>"$SCRATCH/cluster-error" || return 1
    KUBE_VERSION=$(sed -n 's/.*"gitVersion": *"\([^"]*\)".*/\1/p' "$SCRATCH/cluster-version")
    [ -n "$KUBE_VERSION" ] && is_own_cluster
}

# read_server: sets `server`, the address of the cluster's API
read_server() {
    server=$(kube config view --minify -o 'jsonpath={.clusters[0].cluster.server}' 2>/dev/null) || server=''
}

lose_target() {
    local server=''
    [ -z "$KUBE_OTHER" ] || fail $EXIT_FAILED kubernetes.other_cluster "$ROOT" "$(note_field target server)" "$KUBE_CONTEXT" "$KUBE_OTHER"
    read_server
    fail $EXIT_FAILED kubernetes.no_answer "$KUBE_CONTEXT" "${server:--}" "$(tail -n 1 "$SCRATCH/cluster-error" 2>/dev/null)"
}

# read_cluster: sets `cluster`: what names the cluster, whatever its address: the ID of its first namespace; `-` if this user may
# not see it
read_cluster() {
    cluster=$(kube get namespace kube-system --request-timeout 20s -o 'jsonpath={.metadata.uid}' 2>"$SCRATCH/cluster-error") || cluster=-
    case $cluster in '' | *[!0-9a-f-]*) cluster=- ;; esac
}

# is_own_cluster: by its ID, or by its address where one of them is not known; else sets KUBE_OTHER. A new site has none
is_own_cluster() {
    local noted_cluster cluster='' server=''
    KUBE_OTHER=''
    noted_cluster=$(note_field target cluster)
    [ -n "$noted_cluster" ] || return 0
    read_cluster
    if [ "$noted_cluster" != - ] && [ "$cluster" != - ]; then
        [ "$cluster" = "$noted_cluster" ] || KUBE_OTHER=$cluster
    else
        read_server
        [ "$server" = "$(note_field target server)" ] || KUBE_OTHER=$server
    fi
    [ -z "$KUBE_OTHER" ]
}

require_engine() { target_answers || lose_target; }

# note_cluster: what later runs must find again
note_cluster() {
    local cluster='' server=''
    read_cluster
    read_server
    [ "$cluster$server" != - ] || lose_target
    write_note target <<EOT
target=kubernetes
kubeconfig=$KUBE_CONFIG
context=$KUBE_CONTEXT
server=$server
cluster=$cluster
namespace=$KUBE_NAMESPACE
application=$KUBE_APP
EOT
}

served_version() { printf '%s\n' "$KUBE_VERSION"; }

name_target() { printf 'Kubernetes %s, %s, %s' "$KUBE_VERSION" "$KUBE_CONTEXT" "$KUBE_NAMESPACE"; }

describe_engine() {
    printf '%s\n' "$KUBECTL"
    kube version 2>&1
    kube get nodes -o wide 2>&1
    kube get storageclasses 2>&1
}

# what the other target has and a cluster has not

refuse_remote() { :; }

find_compose() { :; }

engine_folder() { :; }

explain_user() { :; }

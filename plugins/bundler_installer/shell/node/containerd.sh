# ---- node/containerd: the containerd of a Kubernetes node, and what it has. Sockets and programs as the distributions place them:
# containerd itself (defaults.DefaultAddress), K3s and RKE2 (k3s-io/k3s, pkg/agent/config), MicroK8s and k0s (their documentation)

# list_runtimes: those of this node, a line each: name, socket, program that speaks to it, folder of its data
list_runtimes() {
    local kind='' socket='' program='' folder=''
    while read_runtime kind socket program folder; do
        [ -S "$PROBE_ROOT$socket" ] || continue
        # K3s and RKE2 have the same socket
        case $kind in k3s | rke2) [ -d "$PROBE_ROOT$folder" ] || continue ;; esac
        printf '%s\t%s\t%s\t%s\n' "$kind" "$PROBE_ROOT$socket" "$program" "$PROBE_ROOT$folder"
    done <<END
containerd${TAB}/run/containerd/containerd.sock${TAB}ctr${TAB}/var/lib/containerd
k3s${TAB}/run/k3s/containerd/containerd.sock${TAB}k3s${TAB}/var/lib/rancher/k3s/agent/containerd
rke2${TAB}/run/k3s/containerd/containerd.sock${TAB}/var/lib/rancher/rke2/bin/ctr${TAB}/var/lib/rancher/rke2/agent/containerd
microk8s${TAB}/var/snap/microk8s/common/run/containerd.sock${TAB}microk8s${TAB}/var/snap/microk8s/common/var/lib/containerd
k0s${TAB}/run/k0s/containerd.sock${TAB}k0s${TAB}/var/lib/k0s/containerd
END
}

# choose_runtime: sets RUNTIME, RUNTIME_SOCKET, RUNTIME_PROGRAM and RUNTIME_DATA: what --containerd names, or the only one whose
# CRI plugin works. Docker's own containerd has none, and its images are not those of Kubernetes
choose_runtime() {
    local chosen seen sockets kind='' socket='' program='' folder=''
    keep "$SCRATCH/runtimes" list_runtimes
    if [ -n "$CONTAINERD_SOCKET" ]; then
        CONTAINERD_SOCKET=${CONTAINERD_SOCKET#unix://} # as the kubelet names it
        [ -S "$CONTAINERD_SOCKET" ] || fail $EXIT_USAGE node.no_socket "$CONTAINERD_SOCKET"
        keep "$SCRATCH/named-runtime" list_named_runtimes
        [ -s "$SCRATCH/named-runtime" ] || printf 'containerd\t%s\tctr\t-\n' "$CONTAINERD_SOCKET" >"$SCRATCH/named-runtime" || lose_scratch
        cp "$SCRATCH/named-runtime" "$SCRATCH/runtimes" || lose_scratch
    fi
    [ -s "$SCRATCH/runtimes" ] || fail $EXIT_FAILED node.no_runtime
    chosen='' seen='' sockets=$(cut_column runtimes socket <"$SCRATCH/runtimes" | tr '\n' ' ')
    while read_runtime kind socket program folder <&5; do
        RUNTIME=$kind RUNTIME_SOCKET=$socket RUNTIME_PROGRAM=$program RUNTIME_DATA=$folder
        have "$program" || {
            seen="$seen$NEWLINE  $(format node.no_program "$socket" "$program")"
            continue
        }
        if serves_kubernetes; then
            [ -z "$chosen" ] || fail $EXIT_USAGE node.several "$sockets"
            chosen=$kind$TAB$socket$TAB$program$TAB$folder
        else
            seen="$seen$NEWLINE  $(format node.no_cri "$socket")"
        fi
    done 5<"$SCRATCH/runtimes"
    [ -n "$chosen" ] || fail $EXIT_FAILED node.unfit "$seen"
    read_runtime kind socket program folder <<END
$chosen
END
    RUNTIME=$kind RUNTIME_SOCKET=$socket RUNTIME_PROGRAM=$program RUNTIME_DATA=$folder
}

# list_named_runtimes: those whose socket is the one of --containerd, also by another path: /var/run is a link to /run
list_named_runtimes() {
    local wanted kind='' socket='' program='' folder=''
    wanted=$(readlink -f -- "$CONTAINERD_SOCKET") || return 1
    while read_runtime kind socket program folder; do
        [ "$(readlink -f -- "$socket")" != "$wanted" ] || printf '%s\t%s\t%s\t%s\n' "$kind" "$socket" "$program" "$folder"
    done <"$SCRATCH/runtimes"
}

# in_containerd 'GROUP VERB' ARGUMENT...: ctr in the namespace of Kubernetes
in_containerd() {
    local group verb
    group=${1% *} verb=${1#* }
    shift
    set -- "$group" "$verb" "$@"
    set -- --address "$RUNTIME_SOCKET" --connect-timeout 20s --namespace k8s.io "$@"
    case $RUNTIME_PROGRAM in k3s | k0s | microk8s) set -- ctr "$@" ;; esac
    clean_environment "$RUNTIME_PROGRAM" "$@"
}

# serves_kubernetes: whether the CRI plugin works: one line in containerd 1, `cri`, and of containerd 2 the runtime's and the images'
serves_kubernetes() {
    in_containerd 'plugins ls' >"$SCRATCH/containerd-plugins" 2>"$SCRATCH/containerd-errors" || return 1
    awk '
        $1 == "io.containerd.grpc.v1" && $2 == "cri" { there = 1; if ($NF != "ok") broken = 1 }
        $1 ~ /^io\.containerd\.cri\./ && $NF != "ok" { broken = 1 }
        END { exit !(there && !broken) }' "$SCRATCH/containerd-plugins"
}

# name_by_digest REFERENCE DIGEST: the other name under which the CRI looks for an image, `repository@digest`
name_by_digest() {
    local named
    named=${1%@*}
    case ${named##*/} in *:*) named=${named%:*} ;; esac
    printf '%s@%s\n' "$named" "$2"
}

# list_node_images: name and digest of each image that is complete and unpacked, to $SCRATCH/node-images
list_node_images() {
    { in_containerd 'images ls' >"$SCRATCH/containerd-images" && in_containerd 'images check' -q >"$SCRATCH/containerd-ready"; } 2>"$SCRATCH/containerd-errors" ||
        fail $EXIT_FAILED node.no_answer "$RUNTIME_SOCKET" "$(sed -n '$p' "$SCRATCH/containerd-errors")"
    awk -v ready="$SCRATCH/containerd-ready" '
        BEGIN { while ((getline line < ready) > 0) whole[line] }
        NR > 1 && ($1 in whole) { print $1 "\t" $3 }' "$SCRATCH/containerd-images" >"$SCRATCH/node-images" || lose_scratch
}

# is_on_node NAME DIGEST
is_on_node() { grep -qxF -e "$1$TAB$2" "$SCRATCH/node-images"; }

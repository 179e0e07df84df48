# ---- target/choice: what runs the services of this site: Docker on this server, or a Kubernetes cluster

# offers_cluster: whether the bundle or release has the objects of a cluster
offers_cluster() {
    awk 'substr($0, 67) == "kubernetes/variables.tsv" { found = 1 } END { exit !found }' "$FACTS/SHA256SUMS" 2>/dev/null
}

# settle_target: a site stays where it is; a new one is where the options say, and nowhere by guess
settle_target() {
    local noted
    case $COMMAND in version | verify | node-images | push | completion | man | trust) return 0 ;; esac
    if [ -n "$KUBE_CONFIG$KUBE_CONTEXT$KUBE_NAMESPACE" ]; then
        [ "$TARGET" != compose ] || fail $EXIT_USAGE kubernetes.not_compose
        TARGET=kubernetes
    fi
    noted=$(note_field target target) || lose_scratch
    if [ -z "$noted" ] && [ -d "$CURRENT/config" ]; then noted=compose; fi
    if [ -n "$noted" ] && [ -n "$TARGET" ] && [ "$TARGET" != "$noted" ]; then
        fail $EXIT_USAGE kubernetes.other_target "$ROOT" "$noted" "$TARGET"
    fi
    TARGET=${TARGET:-$noted}
    [ -n "$TARGET" ] || ask_target
    [ "$TARGET" = kubernetes ] || return 0
    case $COMMAND in install | preflight) offers_cluster || fail $EXIT_USAGE kubernetes.not_offered ;; esac
    use_kubernetes
}

# ask_target: sets TARGET for a new site: that of the bundle, or what the operator says if it has both
ask_target() {
    TARGET=compose
    case $COMMAND in install | preflight | plan) offers_cluster || return 0 ;; *) return 0 ;; esac
    if [ -z "$TERMINAL" ] || [ -n "$YES$JSON" ]; then fail $EXIT_USAGE kubernetes.choose; fi
    if ask kubernetes.ask_target; then TARGET=kubernetes; fi
}

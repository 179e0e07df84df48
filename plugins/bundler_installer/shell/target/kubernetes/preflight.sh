# ---- target/kubernetes/preflight: whether the cluster lets the release in: a server-side dry run of every object, and the rights for
# it

# preflight_or_stop: before an installation; the objects are tried by examine_objects, once all values are known
preflight_or_stop() {
    empty_file "$SCRATCH/checks"
    end_at_mistakes
    examine_cluster
    if [ -n "$TERMINAL" ] && [ -z "$YES" ]; then ask kubernetes.ask || fail $EXIT_FAILED kubernetes.no; fi
}

run_preflight() {
    collect_variables
    end_at_mistakes
    examine_cluster
    say kubernetes.preflight
}

# examine_cluster: it answers, is shown, has a node for the images, and gives the rights
examine_cluster() {
    local server='' wanted_machine
    require_engine
    read_server
    say kubernetes.cluster "$KUBE_CONTEXT" "$server" "$KUBE_VERSION" "$KUBE_NAMESPACE" "$KUBE_CONFIG"
    check_skew
    wanted_machine=$(look_up checks.tsv id platform required) || lose_scratch
    check_nodes "$wanted_machine"
    check_rights
}

# check_skew: kubectl works with a server of the minor version before and after its own
check_skew() {
    local own_version
    own_version=$(kube version --client 2>/dev/null | sed -n 's/^Client Version: *v\{0,1\}//p')
    if ! printf '%s %s\n' "$own_version" "${KUBE_VERSION#v}" | awk '{
        split($1, own, "."); split($2, served, ".")
        if ($2 == "") exit 0
        skew = own[2] - served[2]
        exit !(own[1] == served[1] && skew >= -1 && skew <= 1) }'; then
        warn kubernetes.skew "${own_version:--}" "$KUBE_VERSION"
    fi
}

# check_nodes MACHINE: at least one node is ready and has the architecture of the images. Not every user may list nodes
check_nodes() {
    kube get nodes --request-timeout 20s -o 'go-template={{range .items}}{{.status.nodeInfo.operatingSystem}}/{{.status.nodeInfo.architecture}}{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}{{"\n"}}{{end}}' \
        >"$SCRATCH/nodes" 2>"$SCRATCH/cluster-error" || {
        warn kubernetes.nodes_unseen
        return 0
    }
    case $1 in x86_64) set -- amd64 ;; aarch64) set -- arm64 ;; esac
    awk -v machine="linux/${1#linux/}" '$1 == machine && $2 == "True" { found = 1 } END { exit !found }' "$SCRATCH/nodes" ||
        fail $EXIT_PREFLIGHT kubernetes.no_node "$1" "$(sort "$SCRATCH/nodes" | uniq -c | awk '{ printf "%s%s x %s (%s)", comma, $1, $2, ($3 == "True" ? "Ready" : "NotReady"); comma = ", " }')"
}

# check_rights: ask for every verb and kind at once; what is denied is listed
check_rights() {
    cat "$KUBE_OBJECTS"/manifests/*.yaml | awk -v namespace="$KUBE_NAMESPACE" "$PROGRAM_KUBERNETES_RIGHTS" >"$SCRATCH/reviews" || lose_scratch
    kube create --validate=false --request-timeout 60s -f "$SCRATCH/reviews" -o 'go-template={{.spec.resourceAttributes.verb}} {{.spec.resourceAttributes.resource}} {{.status.allowed}}{{"\n"}}' \
        >"$SCRATCH/rights" 2>"$SCRATCH/cluster-error" ||
        fail $EXIT_PREFLIGHT kubernetes.no_review "$(tail -n 1 "$SCRATCH/cluster-error")"
    [ "$(wc -l <"$SCRATCH/rights")" -eq "$(grep -c '^kind: ' "$SCRATCH/reviews")" ] || fail $EXIT_PREFLIGHT kubernetes.no_review "$(tail -n 1 "$SCRATCH/rights")"
    awk '$3 != "true" { denied[$2] = denied[$2] " " $1 } END { for (each in denied) print "  " each ":" denied[each] }' "$SCRATCH/rights" | LC_ALL=C sort >"$SCRATCH/denied" || lose_scratch
    [ ! -s "$SCRATCH/denied" ] || fail $EXIT_PREFLIGHT kubernetes.denied "$KUBE_NAMESPACE" "$(cat "$SCRATCH/denied")"
}

# examine_objects: fill in all objects with the values of this run and let the server try each; nothing of it stays
examine_objects() {
    local made='' noted_before=''
    fill_objects
    [ ! -f "$ROOT/state/target" ] || noted_before=yes
    note_cluster
    kube get namespace "$KUBE_NAMESPACE" -o name --request-timeout 20s >/dev/null 2>"$SCRATCH/cluster-error" || {
        # an empty one is removed again if it was in vain
        kube create namespace "$KUBE_NAMESPACE" >/dev/null 2>"$SCRATCH/cluster-error" ||
            fail $EXIT_PREFLIGHT kubernetes.no_namespace "$KUBE_NAMESPACE" "$(tail -n 1 "$SCRATCH/cluster-error")"
        made=yes
    }
    if apply_objects --dry-run=server; then return 0; fi
    [ -n "$noted_before" ] || rm -f "$ROOT/state/target"
    if [ -n "$made" ]; then kube delete namespace "$KUBE_NAMESPACE" --wait=false >/dev/null 2>&1; fi
    fail $EXIT_PREFLIGHT kubernetes.refused_objects "$(redact <"$SCRATCH/apply-error" | sed 's/^/  /')"
}

# ---- target/kubernetes/objects: the objects of a release: their settings, filled in with the site's values, and applied

# select_objects [SERVICE...]: the labels of the application's objects, or of those of services
select_objects() {
    printf 'app.kubernetes.io/name=%s' "$KUBE_APP"
    [ $# -eq 0 ] || printf ',app.kubernetes.io/component in (%s)' "$(printf '%s\n' "$*" | tr ' ' ',')"
}

# take_objects: sets KUBE_OBJECTS and KUBE_APP. The files of a bundle are copied once, and the copies are checked
take_objects() {
    KUBE_OBJECTS=$HERE/kubernetes
    KUBE_APP=$(note_field target application)
    if [ -z "$INSTALLED" ]; then
        case $COMMAND in install | preflight) ;; *) return 0 ;; esac
        awk 'substr($0, 67, 11) == "kubernetes/"' "$FACTS/SHA256SUMS" >"$SCRATCH/object-sums" || lose_scratch
        copy_listed "$SCRATCH/object-sums" "$SCRATCH/of-bundle"
        KUBE_OBJECTS=$SCRATCH/of-bundle/kubernetes
    fi
    [ -n "$KUBE_APP" ] || KUBE_APP=$(cat "$KUBE_OBJECTS"/manifests/*.yaml 2>/dev/null | sed -n 's|^    app.kubernetes.io/name: "\([A-Za-z0-9._-]*\)"$|\1|p' | sed -n 1p)
    case $COMMAND in install | preflight) [ -n "$KUBE_APP" ] || refuse verify.missing kubernetes/manifests ;; esac
}

# take_setting NAME VALUE WHERE: an answer that is for the cluster: size and class of storage, how ports are published. Its status
# is 1 if the release has no such setting
take_setting() {
    local kind
    kind=$(awk -F "$TAB" -v name="$1" "$AWK_OBJECT_VARIABLE"'$OBJECT_VARIABLE["name"] == name { print $OBJECT_VARIABLE["kind"] }' "$KUBE_OBJECTS/variables.tsv" 2>/dev/null)
    case $kind in
        size) matches "$2" '[1-9][0-9]*(Ki|Mi|Gi|Ti|Pi)?' ;;
        class | host | certificate) matches "$2" '[a-z0-9]([a-z0-9.-]*[a-z0-9])?' ;;
        exposure) matches "$2" 'NodePort|LoadBalancer|ClusterIP' ;;
        port) matches "$2" 'null|[1-9][0-9]{0,4}' ;;
        *) return 1 ;;
    esac || {
        mistake kubernetes.bad_setting "$3" "$1" "$2" "$kind"
        return 0
    }
    { mkdir -p "$SCRATCH/settings" && printf '%s' "$2" >"$SCRATCH/settings/$1"; } || lose_scratch
}

# list_values: lines NAME=VALUE for the names that only the objects have: settings, and expressions as Compose reads them
list_values() {
    local dollars name='' kind='' default=''
    dollars=$(printf '\001')
    while read_object_variable name kind default; do
        case $kind in
            kind | variable | secret) ;;
            namespace) printf '%s=%s\n' "$name" "$KUBE_NAMESPACE" ;;
            expression)
                case $default in *\\[ntr]*) return 1 ;; esac
                default=$(printf '%s\n' "$default" | sed "s/\\\\\\\\/\\\\/g; s/[$][$]/$dollars/g")
                printf '%s=%s\n' "$name" "$(expand "$default" | tr '\001' '$')"
                ;;
            *) printf '%s=%s\n' "$name" "$(value "$name" "$SCRATCH/settings" || printf '%s' "$default")" ;;
        esac
    done <"$SCRATCH/object-variables"
}

# fill_objects: into $SCRATCH/objects, in the order of application
fill_objects() {
    local draft file name
    mkdir -p "$SCRATCH/settings" "$SCRATCH/object-draft" || lose_scratch
    draft=$SCRATCH/object-draft
    (umask 077 && write_draft) || leave $EXIT_FAILED
    sed 1d "$KUBE_OBJECTS/variables.tsv" >"$SCRATCH/object-variables" || lose_scratch
    restore_settings
    keep "$SCRATCH/object-values" list_values
    cat "$SCRATCH/object-values" >>"$SCRATCH/template-values" || lose_scratch
    { rm -rf "$SCRATCH/objects" && (umask 077 && mkdir "$SCRATCH/objects"); } || lose_scratch
    empty_file "$SCRATCH/refused"
    set -- "$KUBE_OBJECTS"/manifests/*.yaml
    # an Ingress where one offers the published ports
    if grep -qx 'KUBE_EXPOSE=ClusterIP' "$SCRATCH/object-values"; then
        for file in "$KUBE_OBJECTS"/ingress/*.yaml; do [ ! -f "$file" ] || set -- "$@" "$file"; done
    fi
    for file in "$@"; do
        name=${file##*/}
        fill_template "$file" "kubernetes/$name" yaml "$SCRATCH/objects/$name" || fail_template
        # what the cluster decides is left out: applied again, a null would take back what it decided
        { sed '/^ *[A-Za-z]*: null$/d' "$SCRATCH/objects/$name" >"$SCRATCH/object" && cat "$SCRATCH/object" >"$SCRATCH/objects/$name"; } || lose_scratch
        rm -f "$SCRATCH/object"
        ! grep -q '@@[A-Za-z_][A-Za-z0-9_]*@@' "$SCRATCH/objects/$name" || fail $EXIT_FAILED kubernetes.unfilled "$name"
    done
    [ ! -s "$SCRATCH/refused" ] || explain_refused
}

# restore_settings: those of an earlier run, where this one gives none
restore_settings() {
    local line
    [ -f "$ROOT/state/settings" ] || return 0
    while IFS= read -r line; do
        case $line in KUBE_*=*) ;; *) continue ;; esac
        [ -f "$SCRATCH/settings/${line%%=*}" ] || printf '%s' "${line#*=}" >"$SCRATCH/settings/${line%%=*}" || lose_scratch
    done <"$ROOT/state/settings"
}

# list_kinds: of all objects that this site has ever had, except claims and Secrets, which stay
list_kinds() {
    {
        cat "$ROOT/state/kinds" 2>/dev/null
        cat "$SCRATCH/objects"/*.yaml | sed -n 's/^kind: "\([A-Za-z]*\)"$/\1/p'
    } | grep -vx 'Secret\|PersistentVolumeClaim' | LC_ALL=C sort -u
}

# join_kinds: the same as kubectl takes them
join_kinds() { tr '\n' ',' <"$ROOT/state/kinds" | sed 's/,$//'; }

# place_objects: the filled objects and the settings become those of the release; they contain secrets
place_objects() {
    local each
    for each in "$SCRATCH/settings"/*; do
        [ ! -f "$each" ] || printf '%s=%s\n' "${each##*/}" "$(cat "$each")"
    done | write_note settings || exit $EXIT_FAILED
    list_kinds | write_note kinds || exit $EXIT_FAILED
    { rm -rf "$RELEASE_DIR/.objects.new" && (umask 077 && cp -R "$SCRATCH/objects" "$RELEASE_DIR/.objects.new") && flush "$RELEASE_DIR/.objects.new"/* &&
        rm -rf "$RELEASE_DIR/.objects" && mv "$RELEASE_DIR/.objects.new" "$RELEASE_DIR/.objects"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# apply_to FOLDER [OPTION...]: its files, in the order of their names
apply_to() {
    local folder
    folder=$1
    shift
    kube apply --server-side --field-manager=bundle --force-conflicts --validate=strict "$@" -f "$folder" >>"$SCRATCH/applied" 2>>"$SCRATCH/apply-error"
}

# apply_objects [--dry-run=server]: those of $SCRATCH/objects. Jobs come last, one by one: a Job cannot be changed, so that one with
# another definition is replaced. What the server says is in $SCRATCH/apply-error
apply_objects() {
    local file apply_code
    empty_file "$SCRATCH/applied"
    empty_file "$SCRATCH/apply-error"
    { rm -rf "$SCRATCH/lasting" "$SCRATCH/ending" && (umask 077 && mkdir "$SCRATCH/lasting" "$SCRATCH/ending"); } || lose_scratch
    for file in "$SCRATCH/objects"/*.yaml; do
        case ${file##*/} in
            [0-9]*-[0-9]*-job-*) cp "$file" "$SCRATCH/ending/" ;;
            *) cp "$file" "$SCRATCH/lasting/" ;;
        esac || lose_scratch
    done
    apply_code=0
    apply_to "$SCRATCH/lasting" "$@" || apply_code=1
    for file in "$SCRATCH/ending"/*.yaml; do
        [ -f "$file" ] || continue
        apply_job "$file" "$@" || apply_code=1
    done
    grep '^Warning: ' "$SCRATCH/apply-error" | sort -u >>"$SCRATCH/applied"
    return $apply_code
}

# apply_job FILE [OPTION...]
apply_job() {
    local said
    said=$SCRATCH/apply-job
    if kube apply --server-side --field-manager=bundle --force-conflicts --validate=strict -f "$@" >>"$SCRATCH/applied" 2>"$said"; then return 0; fi
    if grep -q 'field is immutable' "$said"; then
        [ $# -eq 1 ] || return 0 # tried only: the Job will be replaced
        kube delete -f "$1" --cascade=foreground --timeout 120s >>"$SCRATCH/applied" 2>>"$SCRATCH/apply-error" &&
            kube apply --server-side --field-manager=bundle --validate=strict -f "$1" >>"$SCRATCH/applied" 2>"$said" && return 0
    fi
    cat "$said" >>"$SCRATCH/apply-error"
    return 1
}

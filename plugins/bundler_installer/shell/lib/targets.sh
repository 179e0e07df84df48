# ---- lib/targets: the options that name what runs the services, and where images go

# parse_target OPTION VALUE: of these options, see parse_value
parse_target() {
    local number=''
    case $1 in
        --target)
            case $2 in
                compose | kubernetes) TARGET=$2 ;;
                *) fail $EXIT_USAGE kubernetes.bad_target "$2" ;;
            esac
            ;;
        --containerd) CONTAINERD_SOCKET=$2 ;;
        --registry) REGISTRY=$2 ;;
        --registry-user) REGISTRY_USER=$2 ;;
        --registry-password-file) REGISTRY_PASSWORD_FILE=$2 ;;
        --registry-ca) REGISTRY_CA=$2 ;;
        --registry-part) read_number "$1" "$2"; PART_BYTES=$number ;;
        --parallel) read_number "$1" "$2"; PARALLEL=$number ;;
        --kubeconfig) KUBE_CONFIG=$2 ;;
        --context) KUBE_CONTEXT=$2 ;;
        --namespace)
            matches "$2" '[a-z0-9]([a-z0-9-]*[a-z0-9])?' || fail $EXIT_USAGE kubernetes.bad_namespace "$2"
            KUBE_NAMESPACE=$2
            ;;
    esac
}

# ---- lib/targets: the options that name what runs the services

# parse_target OPTION VALUE: of the options that name a target, see parse_value
parse_target() {
    case $1 in
        --target)
            case $2 in
                compose | kubernetes) TARGET=$2 ;;
                *) fail $EXIT_USAGE kubernetes.bad_target "$2" ;;
            esac
            ;;
        --kubeconfig) KUBE_CONFIG=$2 ;;
        --context) KUBE_CONTEXT=$2 ;;
        --namespace)
            matches "$2" '[a-z0-9]([a-z0-9-]*[a-z0-9])?' || fail $EXIT_USAGE kubernetes.bad_namespace "$2"
            KUBE_NAMESPACE=$2
            ;;
    esac
}

# Reads manifests. Writes a SelfSubjectAccessReview for each verb and kind that an installation needs in the namespace.

BEGIN {
    split("ConfigMap:configmaps: Secret:secrets: Service:services: ServiceAccount:serviceaccounts: PersistentVolumeClaim:persistentvolumeclaims: " \
        "Deployment:deployments:apps Job:jobs:batch NetworkPolicy:networkpolicies:networking.k8s.io Ingress:ingresses:networking.k8s.io " \
        "PodDisruptionBudget:poddisruptionbudgets:policy Role:roles:rbac.authorization.k8s.io RoleBinding:rolebindings:rbac.authorization.k8s.io", table, " ")
    for (i in table) { split(table[i], f, ":"); resource[f[1]] = f[2]; group[f[1]] = f[3] }
    verbs = split("get list create patch delete", verb, " ")
}
/^kind: / {
    kind = $2; gsub(/"/, "", kind)
    if (!(kind in seen)) { seen[kind]; for (i = 1; i <= verbs; i++) review(verb[i], group[kind], resource[kind], "") }
}
END {
    review("get", "", "pods", ""); review("list", "", "pods", ""); review("delete", "", "pods", ""); review("list", "", "events", "")
    review("get", "", "pods", "log"); review("create", "", "pods", "exec")
    review("patch", "apps", "deployments", "scale")
}
function review(verb, group, resource, part) {
    printf "---\napiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nspec:\n  resourceAttributes:\n"
    printf "    namespace: \"%s\"\n    verb: \"%s\"\n    group: \"%s\"\n    resource: \"%s\"\n", namespace, verb, group, resource
    if (part != "") printf "    subresource: \"%s\"\n", part
}

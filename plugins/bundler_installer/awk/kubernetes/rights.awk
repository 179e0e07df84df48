# Reads manifests. Writes a SelfSubjectAccessReview for each verb and kind that an installation needs in the namespace. The resource
# of a kind is guessed as clients do: kubernetes/apimachinery, pkg/api/meta/restmapper.go, UnsafeGuessKindToResource.

BEGIN { verbs = split("get list create patch delete", verb, " ") }
/^apiVersion: / { group = $2; gsub(/"/, "", group); if (!sub(/\/.*$/, "", group)) group = "" }
/^kind: / {
    kind = $2; gsub(/"/, "", kind)
    resource = tolower(kind)
    if (!sub(/y$/, "ies", resource)) resource = resource (resource ~ /s$/ ? "es" : "s")
    if (!(kind in seen)) { seen[kind]; for (i = 1; i <= verbs; i++) review(verb[i], group, resource, "") }
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

# Reads images.tsv. Writes reference, manifest, repository below `prefix`, and tag; or a line with !, what is wrong, the
# reference, and another one that gets the same name.
#
# The source registry docker.io is left out of the repository; every other is its first part, with - for what a part cannot
# have. No repository on docker.io begins with a part that has a dot, and other registries without one get their port.

function complain(what, other) { print "!\t" what "\t" reference "\t" (other == "" ? "-" : other); wrong = 1 }
{
    reference = $IMAGE["reference"]; manifest = $IMAGE["manifest"]
    rest = reference; sub(/@.*$/, "", rest)
    registry = ""; cut = index(rest, "/"); head = substr(rest, 1, cut - 1)
    if (cut && (head ~ /[.:]/ || head == "localhost" || head != tolower(head))) { registry = tolower(head); rest = substr(rest, cut + 1) }
    if (registry ~ /^(docker\.io|index\.docker\.io|registry-1\.docker\.io)$/) registry = ""
    tag = "latest"
    if (match(rest, /:[^:\/]*$/)) { tag = substr(rest, RSTART + 1); rest = substr(rest, 1, RSTART - 1) }
    if (registry == "" && rest !~ /\//) rest = "library/" rest
    if (registry != "") {
        gsub(/[^a-z0-9.-]+/, "-", registry); gsub(/^[.-]+|[.-]+$/, "", registry)
        rest = registry "/" rest
    }
    repository = (prefix == "" ? "" : prefix "/") rest
    wrong = 0
    for (n = split(repository, part, "/"); n > 0; n--) if (part[n] !~ /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/) complain("form")
    if (tag !~ /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ || length(tag) > 128) complain("form")
    if (length(host "/" repository) > 255) complain("long")
    name = repository ":" tag
    if ((name in taken) && taken[name] != manifest) complain("clash", by[name])
    if (!(name in taken)) { taken[name] = manifest; by[name] = reference }
    if (!wrong) print reference "\t" manifest "\t" repository "\t" tag
}

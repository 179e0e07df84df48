# Reads blobs.tsv, and from the file `images` the images to push. Writes what to ask the registry: each blob of each repository
# once, without manifests, and each name.

BEGIN {
    while ((getline line < images) > 0) {
        split(line, f, "\t"); manifest = f[PUSHED_IMAGE["manifest"]]; repository = f[PUSHED_IMAGE["repository"]]
        places[manifest] = places[manifest] repository "\t"
        name = repository ":" f[PUSHED_IMAGE["tag"]]
        if (!(name in named)) { named[name]; print "name\t" repository "\t" manifest "\t-\t" f[PUSHED_IMAGE["tag"]] }
    }
}
$BLOB["kind"] != "manifest" && ($BLOB["manifest"] in places) {
    n = split(places[$BLOB["manifest"]], place, "\t")
    for (i = 1; i < n; i++) if (!((place[i], $BLOB["blob"]) in asked)) {
        asked[place[i], $BLOB["blob"]]
        print "blob\t" place[i] "\t" $BLOB["blob"] "\t" $BLOB["bytes"] "\t-"
    }
}

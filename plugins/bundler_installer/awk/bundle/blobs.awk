# Reads blobs.tsv, and from files the `absent` images and the `layers` of images in the engine. Writes the paths of the blobs
# to load, and their total size to the file `bytes`.

BEGIN {
    while ((getline line < absent) > 0) { split(line, f, "\t"); wanted[f[ABSENT_IMAGE["manifest"]]] }
    while ((getline line < layers) > 0) {
        split(line, f, "\t"); manifest = f[KNOWN_LAYER["manifest"]]
        chain[manifest] = chain[manifest] " " f[KNOWN_LAYER["layer"]]; known[chain[manifest]]
    }
}
{ manifest = $BLOB["manifest"]; digest = $BLOB["blob"] }
!(manifest in wanted) { next }
$BLOB["kind"] == "layer" {
    below[manifest] = below[manifest] " " digest
    if (below[manifest] in known) next
}
!(digest in seen) { seen[digest]; sum += $BLOB["bytes"]; sub(/^sha256:/, "", digest); print "blobs/sha256/" digest }
END { printf "%.0f\n", sum > bytes }

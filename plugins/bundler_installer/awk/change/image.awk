# Reads images.tsv of the running release. Writes a line: whether the image `reference` is new, changed or kept; name; bytes.

$IMAGE["config"] == config { same = 1 }
$IMAGE["reference"] == reference && $IMAGE["config"] != config { other = 1 }
END {
    what = (same ? "kept" : other ? "changed" : state == "absent" ? "new" : "kept")
    printf "%s\t%s\t%s\n", what, reference, bytes
}

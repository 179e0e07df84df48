# Reads probes.tsv. Writes title, remedy and service of the probe `id`, each on one line; texts in `language`, or else in
# English.

function text(name,   own, english) {
    own = $PROBE[name "_" language]; english = $PROBE[name "_en"]
    return own == "-" ? english : own
}
$PROBE["id"] == id {
    title = text("title")
    print (title == "-" ? id : title); print text("remedy"); print $PROBE["service"]
}

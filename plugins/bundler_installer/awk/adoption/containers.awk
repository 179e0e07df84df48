# Reads the engine's facts about the old containers (OLD_FACTS in adoption/old), one per line. Writes the lines C, E, X, M, P
# described at read_old. Requires adoption/unquote.

function line_of(text) { return odd || text ~ /[\001-\037]/ ? "" : text }
$RAW_CONTAINER["fact"] == "C" {
    service = $RAW_CONTAINER["service"]; first = !(service in seen); seen[service]; image = $RAW_CONTAINER["image"]
    print "C\t" service "\t" $RAW_CONTAINER["id"] "\t" $RAW_CONTAINER["running"] "\t" $RAW_CONTAINER["policy"] "\t" (image == "" ? "-" : image)
    next
}
/^E\t/ && first {
    text = unquote(substr($0, 3)); name = substr(text, 1, index(text, "=") - 1)
    if (name !~ /^[A-Za-z_][A-Za-z0-9_.]*$/) next
    if (odd || text ~ /[\001-\037]/) print "X\t" service "\t" name; else print "E\t" service "\t" text
    next
}
$RAW_MOUNT["fact"] == "M" && first {
    place = line_of(unquote($RAW_MOUNT["place"])); source = line_of(unquote($RAW_MOUNT["source"]))
    if (place != "") print "M\t" service "\t" place "\t" $RAW_MOUNT["type"] "\t" (source == "" ? "-" : source)
    next
}
$RAW_PORT["fact"] == "P" { port = unquote($RAW_PORT["port"]); if (port ~ /^[0-9]+$/) print "P\t" port }

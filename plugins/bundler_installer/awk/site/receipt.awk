# Joins the lines of images.tsv and services.tsv with those of list_containers in the file `containers`: service, image, digests
# of its manifest and its config, states of its containers.

BEGIN {
    while ((getline line < containers) > 0) {
        split(line, part, " ")
        state = part[2] (part[3] != "none" ? "/" part[3] : "") (part[2] == "running" ? "" : " " part[4])
        states[part[1]] = states[part[1]] (states[part[1]] == "" ? "" : ", ") state
    }
}

NR == FNR {
    manifest[$IMAGE["reference"]] = $IMAGE["manifest"]
    config[$IMAGE["reference"]] = $IMAGE["config"]
    next
}

{
    service = $SERVICE["service"]
    image = $SERVICE["reference"]
    print service "\t" image "\t" manifest[image] "\t" config[image] "\t" (states[service] == "" ? "-" : states[service])
}

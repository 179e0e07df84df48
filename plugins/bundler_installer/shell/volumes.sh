# ---- volumes: what Compose keeps in the engine's own named volumes

# list_volumes: the project's volumes and those that its containers mount
list_volumes() {
    {
        docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" &&
            inspect_containers '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}'
    } >"$SCRATCH/mounted" || return 1
    sed '/^$/d' "$SCRATCH/mounted" | sort -u
}

# has_name VOLUME: the engine names volumes that nobody named with 64 hex digits
has_name() { case $1 in *[!0-9a-f]*) return 0 ;; esac; [ "${#1}" -ne 64 ]; }

# volume_users VOLUME: services that mount it
volume_users() {
    docker ps -a --filter "volume=$1" --format '{{.Label "com.docker.compose.service"}}' | sort -u | tr '\n' ' '
}

# volume_key VOLUME: its name in the Compose document, `-` where it has none
volume_key() {
    key=$(docker volume inspect -f '{{index .Labels "com.docker.compose.volume"}}' "$1" 2>/dev/null)
    printf '%s\n' "${key:--}"
}

# find_volume NAME KEY: the name that the volume has here
find_volume() {
    here=''
    if [ "$2" != - ]; then
        here=$(docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.volume=$2" | sed -n 1p)
    fi
    printf '%s\n' "${here:-$1}"
}

# volume_folder VOLUME: its folder, where it is a plain one that can be read from here
volume_folder() {
    [ "$(docker volume inspect -f '{{.Driver}} {{len .Options}}' "$1" 2>/dev/null)" = 'local 0' ] || return 1
    point=$(docker volume inspect -f '{{.Mountpoint}}' "$1")
    if [ -d "$point" ] && [ -r "$point" ] && [ -w "$point" ]; then printf '%s\n' "$point"; else return 1; fi
}

# pack_volume VOLUME: to standard output. The engine itself copies what cannot be reached from here
pack_volume() {
    if folder=$(volume_folder "$1"); then
        pack_folder "$folder"
    else
        carrier=$(make_carrier "$1") || return 1
        docker cp "$carrier:/volume/." -
        pack_code=$?
        docker rm "$carrier" >/dev/null || return 1
        return $pack_code
    fi
}

# unpack_volume VOLUME: from standard input
unpack_volume() {
    if folder=$(volume_folder "$1"); then
        unpack_folder "$folder"
    else
        carrier=$(make_carrier "$1") || return 1
        docker cp -a - "$carrier:/volume"
        pack_code=$?
        docker rm "$carrier" >/dev/null || return 1
        return $pack_code
    fi
}

# make_carrier VOLUME: a container that is never started and mounts it; prints its ID
make_carrier() {
    docker create --network none -v "$1:/volume" --entrypoint /volume "$(rows images.tsv | cut -f 1 | sed -n 1p)"
}

# empty_volume VOLUME
empty_volume() {
    if folder=$(volume_folder "$1"); then
        empty_folder "$folder"
    else
        for image in $(rows images.tsv | cut -f 1); do # the first that has a shell
            docker run --rm --network none -v "$1:/volume" --entrypoint /bin/sh "$image" \
                -c 'cd /volume && find . ! -name . -prune -exec rm -rf {} +' >/dev/null 2>&1 && return
        done
        return 1
    fi
}

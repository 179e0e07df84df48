# ---- target/compose/volumes: the named volumes of the engine, and what is in them

list_project_volumes() { docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT"; }

# list_volumes: the project's volumes and those that its containers mount
list_volumes() {
    {
        list_project_volumes &&
            inspect_containers '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}'
    } >"$SCRATCH/mounted" || return 1
    sed '/^$/d' "$SCRATCH/mounted" >"$SCRATCH/mounted-names" && sort -u "$SCRATCH/mounted-names"
}

# volume_users VOLUME: services that mount it
volume_users() {
    docker ps -a --filter "volume=$1" --format '{{.Label "com.docker.compose.service"}}' | sort -u | tr '\n' ' '
}

# volume_key VOLUME: its key in the Compose document, `-` if it has none
volume_key() {
    local key
    key=$(docker volume inspect -f '{{index .Labels "com.docker.compose.volume"}}' "$1" 2>/dev/null)
    printf '%s\n' "${key:--}"
}

# find_volume KEY: the project's volume of that key in the Compose document, empty if there is none
find_volume() {
    docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.volume=$1" >"$SCRATCH/found-volume" &&
        sed -n 1p "$SCRATCH/found-volume"
}

# name_volume KEY: the name that Compose gives a new one
name_volume() { printf '%s_%s\n' "$PROJECT" "$1"; }

volume_exists() { docker volume inspect "$1" >/dev/null 2>&1; }

# make_volume VOLUME KEY: create it as Compose would, if it does not exist
make_volume() {
    if volume_exists "$1"; then return 0; fi
    docker volume create --label "com.docker.compose.project=$PROJECT" --label "com.docker.compose.volume=$2" "$1" >/dev/null
}

# volume_folder VOLUME: its folder, if it is a plain folder readable from here
volume_folder() {
    local point
    [ "$(docker volume inspect -f '{{.Driver}} {{len .Options}}' "$1" 2>/dev/null)" = 'local 0' ] || return 1
    point=$(docker volume inspect -f '{{.Mountpoint}}' "$1")
    if [ -d "$point" ] && [ -r "$point" ] && [ -w "$point" ]; then printf '%s\n' "$point"; else return 1; fi
}

# pack_volume VOLUME: to standard output. The engine copies what cannot be read from here
pack_volume() {
    local folder carrier pack_code
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
    local folder carrier pack_code
    if folder=$(volume_folder "$1"); then
        unpack_folder "$folder"
    else
        carrier=$(make_carrier "$1") || return 1
        # without -a, which would look up the image's user by name on this host and make it the owner of everything
        docker cp - "$carrier:/volume"
        pack_code=$?
        docker rm "$carrier" >/dev/null || return 1
        return $pack_code
    fi
}

# make_carrier VOLUME: create a container that mounts the volume and is never started; prints its ID
make_carrier() {
    docker create --network none -v "$1:/volume" --entrypoint /volume "$(list_column images.tsv reference | sed -n 1p)"
}

# empty_volume VOLUME
empty_volume() {
    local folder image
    if folder=$(volume_folder "$1"); then
        empty_folder "$folder"
    else
        for image in $(list_column images.tsv reference); do # the first image that has a shell
            docker run --rm --network none -v "$1:/volume" --entrypoint /bin/sh "$image" \
                -c 'cd /volume && find . ! -name . -prune -exec rm -rf {} +' >/dev/null 2>&1 && return
        done
        return 1
    fi
}

drop_volume() { docker volume rm "$1" >/dev/null 2>&1; }

# note_volumes: record the volumes that the services use, including unnamed ones, for a later --purge volumes
note_volumes() {
    local container
    docker ps -aq --filter "label=com.docker.compose.project=$PROJECT" | while read -r container; do
        docker inspect -f '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}{{"\n"}}{{end}}{{end}}' "$container"
    done >>"$ROOT/state/volumes"
}

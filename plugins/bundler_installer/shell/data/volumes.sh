# ---- data/volumes: data in the engine's named volumes

# list_volumes: the project's volumes and those that its containers mount
list_volumes() {
    {
        docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" &&
            inspect_containers '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}'
    } >"$SCRATCH/mounted" || return 1
    sed '/^$/d' "$SCRATCH/mounted" >"$SCRATCH/mounted-names" && sort -u "$SCRATCH/mounted-names"
}

# has_name VOLUME: whether it is a named volume; the engine names anonymous ones with 64 hex digits
has_name() { case $1 in *[!0-9a-f]*) return 0 ;; esac; [ "${#1}" -ne 64 ]; }

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

# note_volumes_here: write this project's volumes to $SCRATCH/own-volumes. Other volumes are never emptied or filled
note_volumes_here() {
    list_volumes >"$SCRATCH/own-volumes" || {
        blame_scratch
        fail $EXIT_FAILED engine.no_docker
    }
}

# is_own_volume VOLUME
is_own_volume() {
    [ -n "$1" ] || return 1
    grep -qxF -e "$1" "$SCRATCH/own-volumes"
}

# settle_volumes: write to $SCRATCH/settled-volumes, for each file of the backup, the volume that receives it
settle_volumes() {
    local file='' name='' key='' volume_here=''
    note_volumes_here
    { printf '' >"$SCRATCH/settled-volumes" && printf '' >"$SCRATCH/volume-rows"; } || fail_reading "$SOURCE"
    if [ -f "$SCRATCH/source/volumes.tsv" ]; then
        sed 1d "$SCRATCH/source/volumes.tsv" >"$SCRATCH/volume-rows" || fail_reading "$SOURCE"
    fi
    while read_stored_volume file name key <&5; do
        settle_volume "$name" "$key"
        # a volume cannot receive two files
        awk -F "$TAB" -v volume="$volume_here" "$AWK_SETTLED_VOLUME"'
            $SETTLED_VOLUME["volume_here"] == volume { twice = 3 }
            END { exit twice }' "$SCRATCH/settled-volumes" ||
            fail $EXIT_VERIFICATION restore.foreign_volume "$name"
        printf '%s\t%s\t%s\n' "$file" "$volume_here" "$key" >>"$SCRATCH/settled-volumes" || fail_reading "$SOURCE"
    done 5<"$SCRATCH/volume-rows"
    [ "$(wc -l <"$SCRATCH/volume-rows")" -eq "$(wc -l <"$SCRATCH/settled-volumes")" ] || fail_reading "$SOURCE"
}

# settle_volume NAME KEY: sets `volume_here` to the project's volume of that key or name; if there is none, to the name that
# Compose would give it, provided that this name is free. Any other volume is not ours
settle_volume() {
    volume_here=''
    if [ "$2" != - ]; then
        volume_here=$(docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.volume=$2") ||
            fail $EXIT_FAILED engine.no_docker
        volume_here=${volume_here%%"$NEWLINE"*}
    fi
    if is_own_volume "$volume_here"; then return 0; fi
    volume_here=$1
    if is_own_volume "$volume_here"; then return 0; fi
    volume_here=${PROJECT}_$2
    if [ "$2" = - ] || docker volume inspect "$volume_here" >/dev/null 2>&1; then fail $EXIT_VERIFICATION restore.foreign_volume "$1"; fi
}

# make_volume VOLUME KEY: create it as Compose would, if it does not exist
make_volume() {
    if docker volume inspect "$1" >/dev/null 2>&1; then return 0; fi
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

#!/bin/sh
# Stands in for the docker command where a test has no engine: remembers calls, images and containers as text files.
# A file beside it steers it: <self>.<what>. down: nothing answers; load-fails, up-fails: that command does, with the
# file's text; load-pace: `load` reads a megabyte, and then waits for so many seconds; endpoint: what `context inspect` prints; watch: the environment of each other call goes to <self>.environment;
# sick: services that never become healthy, one a line; logs: what `compose logs` prints; exec-fails: `compose exec` does,
# with the file's text.
self=$0
printf '%s\n' "$*" >>"$self.calls"
touch "$self.images" "$self.containers"
[ ! -f "$self.down" ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }

if [ "$1" = context ]; then
    cat "$self.endpoint" 2>/dev/null
    exit
fi
if [ -f "$self.watch" ]; then
    # in one write: calls overlap
    printf '%s\nconfig=%s\nplugins=%s\n\000\n' "$(env)" "$(cat "${DOCKER_CONFIG:-/}/config.json")" \
        "$(readlink "${DOCKER_CONFIG:-/}/cli-plugins")" >>"$self.environment"
fi

# find_image NAME: the ID of an image by name or ID
find_image() { awk -v name="$1" '$1 == name || $2 == name { print $2; found = 1; exit } END { exit !found }' "$self.images"; }

load() {
    if [ -f "$self.load-fails" ]; then
        dd bs=1000 count=1 >/dev/null 2>&1
        cat "$self.load-fails" >&2
        exit 1
    fi
    if [ -f "$self.load-pace" ]; then
        : >"$self.loaded"
        while dd bs=1000000 count=1 iflag=fullblock of="$self.part" 2>/dev/null && [ -s "$self.part" ]; do
            cat "$self.part" >>"$self.loaded"
            sleep "$(cat "$self.load-pace")"
        done
    else
        cat >"$self.loaded"
    fi
    tar -xOf "$self.loaded" manifest.json | tr '{' '\n' |
        sed -n 's|.*"Config":"blobs/sha256/\([0-9a-f]*\)".*"RepoTags":\["\([^"]*\)".*|\2 sha256:\1|p' >>"$self.images"
}

# up FOLDER [OPTION...] [SERVICE...]: a container for each service that the release in FOLDER lists, or for those named
up() {
    [ ! -f "$self.up-fails" ] || { cat "$self.up-fails" >&2; exit 1; }
    named=''
    for each in "$@"; do case $each in -* | */*) ;; *) named="$named $each " ;; esac; done
    if [ -z "$named" ]; then : >"$self.containers"; fi
    sed '/^#/d' "$1/services.tsv" | while read -r service image expect _; do
        case $named in '' | *" $service "*) ;; *) continue ;; esac
        sed -i "/^$service /d" "$self.containers"
        find_image "$image" >/dev/null || { echo "no such image: $image" >&2; exit 1; }
        state=running health=none
        [ "$expect" != healthy ] || health=healthy
        [ "$expect" != completed ] || state=exited
        if grep -qx "$service" "$self.sick" 2>/dev/null; then health=starting; fi
        printf '%s %s %s 0 0 id-%s\n' "$service" "$state" "$health" "$service" >>"$self.containers"
    done
}

compose() {
    folder=''
    while [ $# -gt 0 ]; do
        case $1 in
            --file) case $2 in */config/compose.yaml) folder=${2%/config/compose.yaml} ;; esac; shift ;;
            version) echo 2.26.0; exit ;;
            up) shift; up "$folder" "$@"; exit ;;
            down) : >"$self.containers"; exit ;;
            stop)
                shift
                [ $# -gt 0 ] || set -- '[^ ]*'
                for each in "$@"; do sed -i "s/^\($each\) running /\1 exited /" "$self.containers"; done
                exit
                ;;
            logs) cat "$self.logs" 2>/dev/null; exit 0 ;;
            exec) [ ! -f "$self.exec-fails" ] || { cat "$self.exec-fails"; exit 1; }; exit 0 ;;
        esac
        shift
    done
}

for last in "$@"; do :; done
case "$1 ${2:-}" in
    version*) echo 26.1.0 ;;
    compose*) shift && compose "$@" ;;
    info*) case $* in *DockerRootDir*) echo /var/lib/docker ;; esac ;;
    load*) load ;;
    tag*) printf '%s %s\n' "$3" "$(find_image "$2")" >>"$self.images" ;;
    'images -aq') sed 's/.* //' "$self.images" ;;
    'image inspect')
        case $3 in -f) shift 4 ;; *) shift 2 ;; esac
        code=0
        for each in "$@"; do find_image "$each" || code=1; done
        exit $code
        ;;
    'image rm') awk -v name="$last" '$1 != name' "$self.images" >"$self.new" && mv "$self.new" "$self.images" ;;
    ps*)
        case $* in
            *-aq*) sed 's/.* //' "$self.containers" ;;
            *working_dir*) ;; # no other installation
            *--format*)
                case $* in *--all*) all=yes ;; *) all='' ;; esac
                awk -v all="$all" 'all || $2 == "running" { print $1 "\t" $6 "\tkiosk-" $1 "-1\t" $2 "\t" ($1 == "web" ? "0.0.0.0:8080->80/tcp" : "") }' "$self.containers"
                ;;
        esac
        ;;
    stats*)
        shift 4
        for each in "$@"; do printf 'kiosk-%s-1\t0.5%%\t10MiB / 1GiB\t1.0%%\n' "${each#id-}"; done
        ;;
    top*) printf 'UID PID CMD\nroot 1 serve\n' ;;
    inspect*)
        case $* in *RestartCount*) ;; *) exit 0 ;; esac
        for id in "$@"; do grep " $id\$" "$self.containers"; done
        exit 0
        ;;
    'volume inspect') exit 1 ;;
esac

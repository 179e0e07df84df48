# ---- adoption/steps: stop the old installation, dump its databases and copy its files; or start it again

# stop_old: writers first, but not yet the databases to be dumped. The engine must not restart any of them; which containers
# ran, and with which restart policy, is recorded before
stop_old() {
    local service
    if [ ! -f "$ROOT/state/adopt.containers" ]; then
        awk -F "$TAB" -v OFS="$TAB" "$AWK_OLD_CONTAINER"'$OLD_CONTAINER["fact"] == "C" {
            print $OLD_CONTAINER["id"], $OLD_CONTAINER["service"], $OLD_CONTAINER["policy"], $OLD_CONTAINER["running"]
        }' "$SCRATCH/old" >"$SCRATCH/old-ran" || lose_scratch
        write_note adopt.containers <"$SCRATCH/old-ran" || exit $EXIT_FAILED
    fi
    enter_adoption stopped
    say adopt.stop "$ADOPTION_PROJECT"
    cut_column adopt.containers id <"$ROOT/state/adopt.containers" >"$SCRATCH/old-all-ids" || lose_scratch
    xargs docker update --restart=no <"$SCRATCH/old-all-ids" >/dev/null 2>"$SCRATCH/stop" || fail_stopping
    keep "$SCRATCH/quiesce" names quiesce
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/quiesce"
    awk -F "$TAB" -v dumps="$SCRATCH/old-dumps" "$AWK_OLD_DUMP$AWK_STOPPED_CONTAINER"'
        BEGIN { while ((getline line < dumps) > 0) { split(line, f, "\t"); later[f[OLD_DUMP["service"]]] } }
        { service = $STOPPED_CONTAINER["service"] }
        !(service in later) && !(service in seen) { seen[service]; print service }' "$ROOT/state/adopt.containers" >"$SCRATCH/old-services" || lose_scratch
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/old-services"
}

fail_stopping() { fail $EXIT_FAILED adopt.not_stopped "$ADOPTION_PROJECT" "$(tail -n 3 "$SCRATCH/stop" | show_plain)"; }

# stop_containers SERVICE: with a long time limit, because a vector store that is killed loses vectors
stop_containers() {
    awk -F "$TAB" -v service="$1" "$AWK_STOPPED_CONTAINER"'
        $STOPPED_CONTAINER["service"] == service { print $STOPPED_CONTAINER["id"] }' "$ROOT/state/adopt.containers" >"$SCRATCH/old-stopped" || lose_scratch
    [ -s "$SCRATCH/old-stopped" ] || return 0
    xargs docker stop -t 300 <"$SCRATCH/old-stopped" >/dev/null 2>"$SCRATCH/stop" || fail_stopping
}

# take_dumps: each database is dumped by its old server. One that an earlier attempt stopped is started for it
take_dumps() {
    local dumps_here container id='' service='' database='' line=''
    dumps_here=$ROOT/state/adopt.dumps
    { rm -rf "$dumps_here" && (umask 077 && mkdir "$dumps_here"); } || fail $EXIT_FAILED release.disk "$ROOT"
    while read_old_dump id service database line <&4; do
        say adopt.dumping "$id" "$service"
        container=$(old_container "$service")
        wake_container "$container" || fail $EXIT_FAILED adopt.no_server "$service"
        expect_file "$dumps_here" "$id" -
        metered dump "$id" dump_old ||
            fail $EXIT_FAILED adopt.no_dump "$id" "$service" "$(redact <"$SCRATCH/dump-errors" | tail -n 3)"
        [ -s "$dumps_here/$id" ] || fail $EXIT_FAILED adopt.no_dump "$id" "$service" "-"
        flush "$dumps_here/$id"
    done 4<"$SCRATCH/old-dumps"
}

# dump_old: the dump `id`, by `line` in `container`
dump_old() {
    (umask 077 && docker exec -e "DATABASE=$database" "$container" sh -c "$line" >"$dumps_here/$id" 2>"$SCRATCH/dump-errors")
}

# wake_container ID: start it, and wait until it is healthy if it has a health check
wake_container() {
    local woken
    docker start "$1" >/dev/null 2>&1 || return 1
    woken=$(date +%s)
    while :; do
        case $(docker inspect -f '{{.State.Running}} {{with .State.Health}}{{.Status}}{{else}}none{{end}}' "$1" 2>/dev/null) in
            'true healthy' | 'true none') return 0 ;;
            'true '*) ;;
            *) return 1 ;;
        esac
        [ $(($(date +%s) - woken)) -lt 120 ] || return 1
        sleep 1
    done
}

# halt_old: stop the remaining services, and make sure that nothing of the old installation runs
halt_old() {
    local service
    cut_column old-dumps service <"$SCRATCH/old-dumps" >"$SCRATCH/old-services" || lose_scratch
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/old-services"
    docker ps -q --no-trunc --filter "label=com.docker.compose.project=$ADOPTION_PROJECT" >"$SCRATCH/old-running" 2>/dev/null ||
        fail $EXIT_FAILED engine.no_docker
    cut_column adopt.containers id <"$ROOT/state/adopt.containers" >"$SCRATCH/old-all-ids" || lose_scratch
    if grep -qxF -f "$SCRATCH/old-all-ids" "$SCRATCH/old-running"; then
        printf '%s\n' - >"$SCRATCH/stop" || lose_scratch
        fail_stopping
    fi
}

# copy_folders: into <root>/data, with owners, modes and links unchanged
copy_folders() {
    local what='' to='' service='' place='' mount_source='' bytes=''
    choose_tar
    keep "$SCRATCH/left-out" names dumped
    names disposable >>"$SCRATCH/left-out" || lose_scratch
    while read_old_copy what to service place mount_source bytes <&4; do
        [ "$what" = folder ] || continue
        say adopt.copying "$service" "$to"
        if is_initial "$to"; then
            copy_old_file || fail $EXIT_FAILED adopt.not_copied "$service" "$mount_source" "$to"
            continue
        fi
        pour_old into_folder || fail $EXIT_FAILED adopt.not_copied "$service" "$mount_source" "$to"
    done 4<"$SCRATCH/old-copies"
    seed_files
    make_data # folders inside those that were replaced
}

# copy_old_file: a single file that its service wrote takes the place of the one that the bundle brings
copy_old_file() {
    local old_owner
    old_owner=$(owner_of "$mount_source") || return 1
    put_below "$ROOT/data" "$to" "$(look_up initial.tsv path "$to" mode)" "$old_owner" <"$mount_source"
}

# pour_old COMMAND: pipe the files of `service` at `place`, as a tar, to a command; both ends must succeed
pour_old() {
    rm -f "$SCRATCH/old-packed"
    expect_pipe "$bytes"
    metered adopt "$to" pipe_old "$1" && [ -f "$SCRATCH/old-packed" ]
}

pipe_old() {
    { pack_old && printf '' >"$SCRATCH/old-packed"; } 2>"$SCRATCH/pack-errors" | {
        show_reader
        "$1"
    }
}

# pack_old: read directly if possible, else by the engine
pack_old() {
    local left_out
    set --
    while IFS= read -r left_out <&6; do
        case $left_out in "$to"/*) set -- "$@" "${left_out#"$to"/}" ;; esac
    done 6<"$SCRATCH/left-out"
    if [ -d "$mount_source" ] && [ -r "$mount_source" ]; then
        pack_folder "$mount_source" "$@"
    else
        docker cp "$(old_container "$service"):$place/." -
    fi
}

# into_folder: unpack a tar from standard input to <root>/data/<to>
into_folder() {
    local inside=''
    (enter_below "$ROOT/data" "$to" && empty_folder . && unpack_folder .) || {
        cat >/dev/null
        return 1
    }
}

# seed_files: copy a file to a second name if the new server reads only that one
seed_files() {
    local each from='' to='' how='' inside=''
    keep "$SCRATCH/old-rows" adopt_rows seed
    while read_adoption from to how <&4; do
        (
            enter_below "$ROOT/data" "${to%/*}" || exit 1
            for each in "./${to##*/}" "./$how"; do if [ -e "$each" ] || [ -L "$each" ]; then exit 0; fi; done
            if [ -L "./$from" ] || [ ! -f "./$from" ]; then exit 0; fi
            cp -p -- "./$from" "./${to##*/}"
        ) || fail $EXIT_FAILED release.disk "$ROOT"
    done 4<"$SCRATCH/old-rows"
}

# copy_volumes_over: copy named volumes to this project's own, which Compose creates
copy_volumes_over() {
    local what='' to='' service='' place='' mount_source='' bytes='' volume_here=''
    cut_column old-copies what <"$SCRATCH/old-copies" | grep -qx volume || return 0
    choose_tar
    compose create >"$SCRATCH/up" 2>&1 || fail $EXIT_FAILED restore.no_volumes "$(redact <"$SCRATCH/up" | tail -n 3)"
    note_volumes_here
    keep "$SCRATCH/left-out" names dumped
    while read_old_copy what to service place mount_source bytes <&4; do
        [ "$what" = volume ] || continue
        settle_volume - "$to"
        is_own_volume "$volume_here" || fail $EXIT_FAILED restore.volume "$to"
        say adopt.copying "$service" "$to"
        empty_volume "$volume_here" || fail $EXIT_FAILED restore.volume "$volume_here"
        pour_old into_volume || fail $EXIT_FAILED adopt.not_copied "$service" "$mount_source" "$to"
    done 4<"$SCRATCH/old-copies"
}

into_volume() {
    unpack_volume "$volume_here" || {
        cat >/dev/null
        return 1
    }
}

# load_dumps: restore the dumps to the new servers, which are empty
load_dumps() {
    local id='' service='' restore=''
    [ -s "$SCRATCH/old-dumps" ] || return 0
    WELL_TIMES=2
    start_dump_services
    keep "$SCRATCH/dumps" list_dumps
    while read_dump id service restore <&5; do
        [ -f "$ROOT/state/adopt.dumps/$id" ] || continue
        say adopt.loading "$id" "$service"
        printf '%s\n' "$id" | expect_files "$ROOT/state/adopt.dumps"
        metered restore "$id" load_old_dump ||
            fail $EXIT_FAILED dumps.not_taken "$id" "$service" "$(redact <"$SCRATCH/load-errors" | tail -n 3)"
    done 5<"$SCRATCH/dumps"
    stop_services
}

# load_old_dump: `id`, by the command `restore` of `service`
load_old_dump() {
    compose exec -T "$service" sh -c "$restore" <"$ROOT/state/adopt.dumps/$id" >/dev/null 2>"$SCRATCH/load-errors"
}

# start_old: databases first, the services stopped first last, with their previous restart policies. Containers removed in
# the meantime (docker prune) can only be recreated by the operator; the services of those that ran are listed in
# $SCRATCH/old-gone
start_old() {
    local policy id='' service='' running=''
    empty_file "$SCRATCH/old-gone"
    [ -f "$ROOT/state/adopt.containers" ] || return 0
    docker ps -aq --no-trunc >"$SCRATCH/old-there" 2>/dev/null || fail $EXIT_FAILED engine.no_docker
    empty_file "$SCRATCH/old-again"
    while read_stopped_container id service policy running <&4; do
        grep -qxF -e "$id" "$SCRATCH/old-there"
        case $? in
            0) ;;
            1)
                if [ "$running" = true ]; then printf '%s\n' "$service" >>"$SCRATCH/old-gone" || lose_scratch; fi
                continue
                ;;
            *) lose_scratch ;;
        esac
        printf '%s\t%s\t%s\t%s\n' "$id" "$service" "$policy" "$running" >>"$SCRATCH/old-again" || lose_scratch
        case $policy in
            :* | no:*) policy=no ;;
            on-failure:0) policy=on-failure ;;
            on-failure:*) ;;
            *) policy=${policy%%:*} ;;
        esac
        docker update "--restart=$policy" "$id" >/dev/null 2>"$SCRATCH/start-errors" ||
            fail $EXIT_FAILED adopt.not_started "$service" "$(tail -n 3 "$SCRATCH/start-errors" | show_plain)"
    done 4<"$ROOT/state/adopt.containers"
    keep "$SCRATCH/quiesce" names quiesce
    awk -F "$TAB" -v quiesce="$SCRATCH/quiesce" "$AWK_STOPPED_CONTAINER"'
        BEGIN { while ((getline line < quiesce) > 0) order[line] = ++n }
        $STOPPED_CONTAINER["running"] == "true" {
            service = $STOPPED_CONTAINER["service"]
            print (service in order ? n + 1 - order[service] : 0) "\t" $STOPPED_CONTAINER["id"] "\t" service
        }' "$SCRATCH/old-again" >"$SCRATCH/old-order" || lose_scratch
    sort -n "$SCRATCH/old-order" >"$SCRATCH/old-sorted" || lose_scratch
    while read_start_order id service <&4; do
        docker start "$id" >/dev/null 2>"$SCRATCH/start-errors" ||
            fail $EXIT_FAILED adopt.not_started "$service" "$(tail -n 3 "$SCRATCH/start-errors" | show_plain)"
    done 4<"$SCRATCH/old-sorted"
}

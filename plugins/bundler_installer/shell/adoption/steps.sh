# ---- adoption/steps: the old installation is stopped, its databases hand out their data, its files are copied; or it runs again

# stop_old: who writes first, databases that dumps come from not yet. The engine must not start any of them again by itself;
# what ran, and how it was kept running, is noted before
stop_old() {
    if [ ! -f "$ROOT/state/adopt.containers" ]; then
        awk -F "$TAB" -v OFS="$TAB" '$1 == "C" { print $3, $2, $5, $4 }' "$SCRATCH/old" >"$SCRATCH/old-ran" || lose_scratch
        write_note adopt.containers <"$SCRATCH/old-ran" || exit $EXIT_FAILED
    fi
    enter_adoption stopped
    say adopt.stop "$ADOPTION_PROJECT"
    cut -f 1 "$ROOT/state/adopt.containers" >"$SCRATCH/old-all-ids" || lose_scratch
    xargs docker update --restart=no <"$SCRATCH/old-all-ids" >/dev/null 2>"$SCRATCH/stop" || fail_stopping
    keep "$SCRATCH/quiesce" names quiesce
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/quiesce"
    awk -F "$TAB" -v dumps="$SCRATCH/old-dumps" '
        BEGIN { while ((getline line < dumps) > 0) { split(line, f, "\t"); later[f[2]] } }
        !($2 in later) && !($2 in seen) { seen[$2]; print $2 }' "$ROOT/state/adopt.containers" >"$SCRATCH/old-services" || lose_scratch
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/old-services"
}

fail_stopping() { fail $EXIT_FAILED adopt.not_stopped "$ADOPTION_PROJECT" "$(tail -n 3 "$SCRATCH/stop" | show_plain)"; }

# stop_containers SERVICE: as long as they need: a vector store that is killed loses vectors
stop_containers() {
    awk -F "$TAB" -v service="$1" '$2 == service { print $1 }' "$ROOT/state/adopt.containers" >"$SCRATCH/old-stopped" || lose_scratch
    [ -s "$SCRATCH/old-stopped" ] || return 0
    xargs docker stop -t 300 <"$SCRATCH/old-stopped" >/dev/null 2>"$SCRATCH/stop" || fail_stopping
}

# take_dumps: each database's old server hands out its data. One that an earlier try stopped is started for it
take_dumps() {
    dumps_here=$ROOT/state/adopt.dumps
    { rm -rf "$dumps_here" && (umask 077 && mkdir "$dumps_here"); } || fail $EXIT_FAILED release.disk "$ROOT"
    while IFS="$TAB" read -r id service database line <&4; do
        say adopt.dumping "$id" "$service"
        container=$(old_container "$service")
        wake_container "$container" || fail $EXIT_FAILED adopt.no_server "$service"
        (umask 077 && docker exec -e "DATABASE=$database" "$container" sh -c "$line" >"$dumps_here/$id" 2>"$SCRATCH/dump-errors") ||
            fail $EXIT_FAILED adopt.no_dump "$id" "$service" "$(redact <"$SCRATCH/dump-errors" | tail -n 3)"
        [ -s "$dumps_here/$id" ] || fail $EXIT_FAILED adopt.no_dump "$id" "$service" "-"
        flush "$dumps_here/$id"
    done 4<"$SCRATCH/old-dumps"
}

# wake_container ID: it runs, and is healthy where it can say so
wake_container() {
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

# halt_old: nothing of it runs any more
halt_old() {
    keep "$SCRATCH/old-services" cut -f 2 "$SCRATCH/old-dumps"
    while IFS= read -r service <&4; do stop_containers "$service"; done 4<"$SCRATCH/old-services"
    docker ps -q --no-trunc --filter "label=com.docker.compose.project=$ADOPTION_PROJECT" >"$SCRATCH/old-running" 2>/dev/null ||
        fail $EXIT_FAILED engine.no_docker
    cut -f 1 "$ROOT/state/adopt.containers" >"$SCRATCH/old-all-ids" || lose_scratch
    if grep -qxF -f "$SCRATCH/old-all-ids" "$SCRATCH/old-running"; then
        printf '%s\n' - >"$SCRATCH/stop" || lose_scratch
        fail_stopping
    fi
}

# copy_folders: into <root>/data, owners, modes and links as they are
copy_folders() {
    choose_tar
    keep "$SCRATCH/left-out" names dumped
    names disposable >>"$SCRATCH/left-out" || lose_scratch
    while IFS="$TAB" read -r what target service place _ mount_source _ <&4; do
        [ "$what" = folder ] || continue
        say adopt.copying "$service" "$target"
        pour_old into_folder || fail $EXIT_FAILED adopt.not_copied "$service" "$mount_source" "$target"
    done 4<"$SCRATCH/old-copies"
    seed_files
    make_data # folders inside those that were replaced
}

# pour_old COMMAND: the files of `service` at `place`, as a tar, into a command; both ends must succeed
pour_old() {
    rm -f "$SCRATCH/old-packed"
    { pack_old && printf '' >"$SCRATCH/old-packed"; } 2>"$SCRATCH/pack-errors" | "$1" && [ -f "$SCRATCH/old-packed" ]
}

# pack_old: read here where it can be, else by the engine
pack_old() {
    set --
    while IFS= read -r left_out <&6; do
        case $left_out in "$target"/*) set -- "$@" "${left_out#"$target"/}" ;; esac
    done 6<"$SCRATCH/left-out"
    if [ -d "$mount_source" ] && [ -r "$mount_source" ]; then
        pack_folder "$mount_source" "$@"
    else
        docker cp "$(old_container "$service"):$place/." -
    fi
}

# into_folder: a tar from standard input becomes <root>/data/<target>
into_folder() {
    (enter_below "$ROOT/data" "$target" && empty_folder . && unpack_folder .) || {
        cat >/dev/null
        return 1
    }
}

# seed_files: a file under a second name, where the new server reads that one only
seed_files() {
    keep "$SCRATCH/old-rows" adopt_rows seed
    while IFS="$TAB" read -r _ seed target other _ <&4; do
        (
            enter_below "$ROOT/data" "${target%/*}" || exit 1
            for each in "./${target##*/}" "./$other"; do if [ -e "$each" ] || [ -L "$each" ]; then exit 0; fi; done
            if [ -L "./$seed" ] || [ ! -f "./$seed" ]; then exit 0; fi
            cp -p -- "./$seed" "./${target##*/}"
        ) || fail $EXIT_FAILED release.disk "$ROOT"
    done 4<"$SCRATCH/old-rows"
}

# copy_volumes_over: named volumes, each into this project's own, which Compose makes
copy_volumes_over() {
    grep -q "^volume$TAB" "$SCRATCH/old-copies" || return 0
    choose_tar
    compose create >"$SCRATCH/up" 2>&1 || fail $EXIT_FAILED restore.no_volumes "$(redact <"$SCRATCH/up" | tail -n 3)"
    note_volumes_here
    keep "$SCRATCH/left-out" names dumped
    while IFS="$TAB" read -r what target service place _ mount_source _ <&4; do
        [ "$what" = volume ] || continue
        settle_volume - "$target"
        is_own_volume "$volume_here" || fail $EXIT_FAILED restore.volume "$target"
        say adopt.copying "$service" "$target"
        empty_volume "$volume_here" || fail $EXIT_FAILED restore.volume "$volume_here"
        pour_old into_volume || fail $EXIT_FAILED adopt.not_copied "$service" "$mount_source" "$target"
    done 4<"$SCRATCH/old-copies"
}

into_volume() {
    unpack_volume "$volume_here" || {
        cat >/dev/null
        return 1
    }
}

# load_dumps: the new servers, which are empty, take the data in
load_dumps() {
    [ -s "$SCRATCH/old-dumps" ] || return 0
    WELL_TIMES=2
    start_dump_services
    keep "$SCRATCH/dumps" list_dumps
    while IFS="$TAB" read -r id service _ line <&5; do
        [ -f "$ROOT/state/adopt.dumps/$id" ] || continue
        say adopt.loading "$id" "$service"
        compose exec -T "$service" sh -c "$line" <"$ROOT/state/adopt.dumps/$id" >/dev/null 2>"$SCRATCH/load-errors" ||
            fail $EXIT_FAILED dumps.not_taken "$id" "$service" "$(redact <"$SCRATCH/load-errors" | tail -n 3)"
    done 5<"$SCRATCH/dumps"
    stop_all
}

# start_old: databases first, who was stopped first last; and kept running as before. Those that somebody removed meanwhile
# (docker prune) can only be made again there; the services of those that ran go into $SCRATCH/old-gone
start_old() {
    empty_file "$SCRATCH/old-gone"
    [ -f "$ROOT/state/adopt.containers" ] || return 0
    docker ps -aq --no-trunc >"$SCRATCH/old-there" 2>/dev/null || fail $EXIT_FAILED engine.no_docker
    empty_file "$SCRATCH/old-again"
    while IFS="$TAB" read -r id service policy ran _ <&4; do
        grep -qxF -e "$id" "$SCRATCH/old-there"
        case $? in
            0) ;;
            1)
                if [ "$ran" = true ]; then printf '%s\n' "$service" >>"$SCRATCH/old-gone" || lose_scratch; fi
                continue
                ;;
            *) lose_scratch ;;
        esac
        printf '%s\t%s\t%s\t%s\n' "$id" "$service" "$policy" "$ran" >>"$SCRATCH/old-again" || lose_scratch
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
    awk -F "$TAB" -v quiesce="$SCRATCH/quiesce" '
        BEGIN { while ((getline line < quiesce) > 0) order[line] = ++n }
        $4 == "true" { print ($2 in order ? n + 1 - order[$2] : 0) "\t" $1 "\t" $2 }' "$SCRATCH/old-again" >"$SCRATCH/old-order" || lose_scratch
    sort -n "$SCRATCH/old-order" >"$SCRATCH/old-sorted" || lose_scratch
    while IFS="$TAB" read -r _ id service <&4; do
        docker start "$id" >/dev/null 2>"$SCRATCH/start-errors" ||
            fail $EXIT_FAILED adopt.not_started "$service" "$(tail -n 3 "$SCRATCH/start-errors" | show_plain)"
    done 4<"$SCRATCH/old-sorted"
}

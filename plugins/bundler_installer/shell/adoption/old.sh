# ---- adoption/old: an installation that was set up with Compose: its containers, their settings, where their data are. Only
# read

# facts of a container from the engine, one per line: C container, E environment, M mount, P published port
OLD_FACTS='C{{"\t"}}{{.Id}}{{"\t"}}{{index .Config.Labels "com.docker.compose.service"}}{{"\t"}}{{.State.Running}}{{"\t"}}{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}{{"\t"}}{{.Config.Image}}{{"\n"}}{{range .Config.Env}}E{{"\t"}}{{json .}}{{"\n"}}{{end}}{{range .Mounts}}M{{"\t"}}{{.Type}}{{"\t"}}{{json .Destination}}{{"\t"}}{{json .Source}}{{"\n"}}{{end}}{{range .HostConfig.PortBindings}}{{range .}}P{{"\t"}}{{json .HostPort}}{{"\n"}}{{end}}{{end}}'
UNSET=BUNDLE:unset # printed by Compose for a variable that does not exist

# find_old: sets FROM, resolved without links, and OLD_PROJECT; writes a line `id<TAB>project` per container to
# $SCRATCH/old-ids
find_old() {
    local given_from id='' project='' service='' folder=''
    [ -n "$FROM" ] || fail $EXIT_USAGE adopt.which
    case $FROM in *"$NEWLINE"* | *"$TAB"* | *\'* | *\\*) fail $EXIT_USAGE adopt.no_folder "$(printf '%s' "$FROM" | show_plain)" ;; esac
    given_from=$FROM
    case $FROM in /*) ;; *) FROM=./$FROM ;; esac # to cd, `-` is the previous folder
    FROM=$(cd -P -- "$FROM" 2>/dev/null && pwd -P) || fail $EXIT_USAGE adopt.no_folder "$given_from"
    find_real_root
    case $FROM/ in "$ROOT"/* | "$REAL_ROOT"/*) fail $EXIT_USAGE adopt.inside "$FROM" "$ROOT" ;; esac
    if holds_root "$FROM"; then fail $EXIT_USAGE adopt.around "$ROOT" "$FROM"; fi
    docker ps -a --no-trunc --filter label=com.docker.compose.project.working_dir --filter label=com.docker.compose.oneoff=False \
        --format '{{.ID}}{{"\t"}}{{.Label "com.docker.compose.project"}}{{"\t"}}{{.Label "com.docker.compose.service"}}{{"\t"}}{{.Label "com.docker.compose.project.working_dir"}}' \
        >"$SCRATCH/old-all" 2>/dev/null || fail $EXIT_FAILED engine.no_docker
    empty_file "$SCRATCH/old-ids"
    while read_compose_container id project service folder; do
        is_hex "$id" 64 || continue # continuation line of a forged name
        case $project in '' | [!a-z0-9]* | *[!a-z0-9_-]*) continue ;; esac
        case $service in '' | *[!A-Za-z0-9._-]*) continue ;; esac
        [ "$(cd -P -- "$folder" 2>/dev/null && pwd -P)" = "$FROM" ] || continue
        printf '%s\t%s\n' "$id" "$project" >>"$SCRATCH/old-ids" || lose_scratch
    done <"$SCRATCH/old-all"
    OLD_PROJECT=$(cut_column old-ids project <"$SCRATCH/old-ids" | sort -u | tr '\n' ' ')
    OLD_PROJECT=${OLD_PROJECT% }
    case $OLD_PROJECT in
        '') fail $EXIT_FAILED adopt.no_containers "$FROM" ;;
        *' '*) fail $EXIT_FAILED adopt.two_projects "$FROM" "$OLD_PROJECT" ;;
    esac
}

# find_real_root: sets REAL_ROOT to where the root is, or will be, without links
find_real_root() {
    local root_parent root_rest
    root_parent=$(nearest_folder "$ROOT")
    REAL_ROOT=$(cd -P -- "$root_parent" 2>/dev/null && pwd -P) || fail $EXIT_FAILED root.no_folder "$root_parent"
    root_rest=${ROOT#"$root_parent"}
    [ -z "$root_rest" ] || REAL_ROOT=${REAL_ROOT%/}/${root_rest#/}
}

# holds_root FOLDER: the root is inside it: a copy would be copied into itself, and removing the folder would remove the site
holds_root() {
    local real_holder
    real_holder=$(cd -P -- "$1" 2>/dev/null && pwd -P) || return 1
    case $REAL_ROOT/ in "${real_holder%/}"/*) return 0 ;; esac
    return 1
}

# read_old: write to $SCRATCH/old: lines C service id running policy image; E service NAME=VALUE; X service NAME, for a value
# that no line can hold; M service destination type source; P port. If a service has several containers, the environment of
# the first is used
read_old() {
    cut_column old-ids id <"$SCRATCH/old-ids" >"$SCRATCH/old-inspected" || lose_scratch
    (umask 077 && xargs docker inspect -f "$OLD_FACTS" <"$SCRATCH/old-inspected" >"$SCRATCH/old-raw") 2>/dev/null ||
        fail $EXIT_FAILED adopt.unreadable "$OLD_PROJECT"
    awk -F "$TAB" "$AWK_RAW_CONTAINER$AWK_RAW_MOUNT$AWK_RAW_PORT$PROGRAM_ADOPTION_UNQUOTE$PROGRAM_ADOPTION_CONTAINERS" "$SCRATCH/old-raw" >"$SCRATCH/old" || lose_scratch
    [ "$(grep -c "^C$TAB" "$SCRATCH/old")" -eq "$(wc -l <"$SCRATCH/old-ids")" ] || fail $EXIT_FAILED adopt.unreadable "$OLD_PROJECT"
    OLD_PORTS=$(awk -F "$TAB" "$AWK_RAW_PORT"'$RAW_PORT["fact"] == "P" { printf "%s ", $RAW_PORT["port"] }' "$SCRATCH/old") || lose_scratch
}

# old_containers SERVICE: their IDs
old_containers() {
    awk -F "$TAB" -v service="$1" "$AWK_OLD_CONTAINER"'
        $OLD_CONTAINER["fact"] == "C" && $OLD_CONTAINER["service"] == service { print $OLD_CONTAINER["id"] }' "$SCRATCH/old"
}

old_container() { old_containers "$1" | sed -n 1p; }

# old_field SERVICE running|policy|image: of its container
old_field() {
    awk -F "$TAB" -v service="$1" -v name="$2" "$AWK_OLD_CONTAINER"'
        $OLD_CONTAINER["fact"] == "C" && $OLD_CONTAINER["service"] == service { print $OLD_CONTAINER[name]; exit }' "$SCRATCH/old"
}

# old_value SERVICE NAME: from the environment of its container; the status is 1 if it does not exist or is empty, 2 if no
# line can hold it
old_value() {
    awk -F "$TAB" -v service="$1" -v name="$2" "$AWK_OLD_SETTING$PROGRAM_ADOPTION_VALUE" "$SCRATCH/old"
}

# find_mount SERVICE PLACE: sets mount_type and mount_source of the mount at that path in its container
find_mount() {
    mount_type='' mount_source=''
    awk -F "$TAB" -v service="$1" -v place="$2" "$AWK_OLD_MOUNT"'
        $OLD_MOUNT["fact"] == "M" && $OLD_MOUNT["service"] == service && $OLD_MOUNT["place"] == place { print; exit }' \
        "$SCRATCH/old" >"$SCRATCH/old-mount" || lose_scratch
    [ -s "$SCRATCH/old-mount" ] || return 1
    read_old_mount mount_type mount_source <"$SCRATCH/old-mount"
}

# read_old_variables: write the values in the project's .env for the names of adopt.tsv to $SCRATCH/old-variables:
# NAME=VALUE; as read by this server's own Compose. Lines of the file are never shown, because they may be secrets
read_old_variables() {
    local refused_line
    empty_file "$SCRATCH/old-variables"
    [ -e "$FROM/.env" ] || [ -L "$FROM/.env" ] || return 0
    { [ -f "$FROM/.env" ] && is_text "$FROM/.env"; } || fail $EXIT_FAILED adopt.env "$FROM/.env" '-'
    keep "$SCRATCH/old-rows" rows adopt.tsv
    awk -F "$TAB" "$AWK_ADOPTION"'
        $ADOPTION["what"] == "value" && $ADOPTION["service"] == "-" && $ADOPTION["from"] ~ /^[A-Za-z_][A-Za-z0-9_]*$/ {
            print $ADOPTION["from"]
        }' "$SCRATCH/old-rows" |
        sort -u >"$SCRATCH/old-names" || lose_scratch
    [ -s "$SCRATCH/old-names" ] || return 0
    { (umask 077 && mkdir -p "$SCRATCH/reader") && {
        # shellcheck disable=SC2016 # for Compose
        printf 'services:\n  reader:\n    image: reader\n    environment:\n      BUNDLE_DOLLAR: "a$$b"\n' &&
            sed "s/.*/      BUNDLE_OF_&: \"\${&-$UNSET}\"/" "$SCRATCH/old-names"
    } >"$SCRATCH/reader/compose.yaml"; } || lose_scratch
    (umask 077 && run_reader >"$SCRATCH/reader/read" 2>"$SCRATCH/reader/errors") || {
        refused_line=$(sed -n 's/.*line \([0-9][0-9]*\).*/\1/p' "$SCRATCH/reader/errors" | sed -n 1p)
        fail $EXIT_FAILED adopt.env "$FROM/.env" "${refused_line:--}"
    }
    (umask 077 && awk -v unset="$UNSET" "$PROGRAM_ADOPTION_UNQUOTE$PROGRAM_ADOPTION_VARIABLES" "$SCRATCH/reader/read" >"$SCRATCH/old-variables") || lose_scratch
    grep -q '"BUNDLE_DOLLAR"' "$SCRATCH/reader/read" || fail $EXIT_FAILED adopt.no_reader "$COMPOSE_VERSION"
}

# run_reader: run Compose on a generated document and the old .env; it does not use the engine
run_reader() {
    set -- --ansi never --project-name reader --project-directory "$SCRATCH/reader" --file "$SCRATCH/reader/compose.yaml" \
        --env-file "$FROM/.env" config --format json
    case $COMPOSE in
        plugin) clean_environment docker compose "$@" ;;
        *) clean_environment docker-compose "$@" ;;
    esac
}

# old_variable NAME: from the old .env; the status is 1 if it does not exist or is empty, 2 if no line can hold it
old_variable() {
    awk -v name="$1" '
        index($0, name "=") == 1 { text = substr($0, length(name) + 2); if (text != "") { print text; found = 1 }; exit }
        index($0, "!" name "=") == 1 { code = 2; exit }
        END { exit code ? code : !found }' "$SCRATCH/old-variables"
}

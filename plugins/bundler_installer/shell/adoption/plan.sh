# ---- adoption/plan: what of an old installation becomes part of the site, what is refused, and how much space it takes.
# Changes nothing

# refuse_adoption ID [ARGUMENT...]: collect the reason, so that all obstacles are reported at once, each of them once
refuse_adoption() {
    local refused_one
    refused_one=$(format "$@")
    if grep -qxF -e "$refused_one" "$SCRATCH/refusals"; then return 0; fi
    printf '%s\n' "$refused_one" >>"$SCRATCH/refusals" || lose_scratch
}

# adopt_rows WHAT: the rows of that kind in adopt.tsv
adopt_rows() { rows adopt.tsv | awk -F "$TAB" -v what="$1" "$AWK_ADOPTION"'$ADOPTION["what"] == what'; }

# plan_adoption: from $SCRATCH/old and adopt.tsv, prepare the input of all steps; refusals go to $SCRATCH/refusals
plan_adoption() {
    local each
    for each in refusals old-taken old-renewed old-unfit old-known old-copies old-dumps old-empty old-notes; do empty_file "$SCRATCH/$each"; done
    LEFT='' OLD_ROOM=0 OLD_VOLUMES_ROOM=0
    name_own_project
    judge_site
    judge_services
    judge_settings
    judge_images
    find_copies
    find_dumps
    read_old_variables
    adopt_values
}

# name_own_project: the old containers keep their project's name, and Compose would treat them as its own, so another name is
# chosen
name_own_project() {
    while [ "$PROJECT" = "$OLD_PROJECT" ]; do PROJECT=$PROJECT-site; done
}

# judge_site: the site has no data that would be mixed with the adopted ones
judge_site() {
    [ -z "$ADOPTION_PHASE" ] || return 0 # existing data are from an earlier attempt
    if [ -d "$ROOT/data" ] && [ -n "$(ls -A "$ROOT/data")" ]; then refuse_adoption adopt.data "$ROOT/data"; fi
    docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT" >"$SCRATCH/own-volumes" 2>/dev/null || fail $EXIT_FAILED engine.no_docker
    if [ -s "$SCRATCH/own-volumes" ]; then refuse_adoption adopt.volumes "$PROJECT" "$(tr '\n' ' ' <"$SCRATCH/own-volumes")"; fi
}

# judge_services: at least one service that the bundle takes data or values from exists; otherwise it is another application,
# and nothing would be adopted
judge_services() {
    local service
    keep "$SCRATCH/old-rows" rows adopt.tsv
    awk -F "$TAB" "$AWK_ADOPTION"'
        { service = $ADOPTION["service"] }
        $ADOPTION["what"] ~ /^(value|file|folder|volume|dump)$/ && service != "-" && !(service in seen) { seen[service]; print service }' \
        "$SCRATCH/old-rows" >"$SCRATCH/old-wanted" || lose_scratch
    [ -s "$SCRATCH/old-wanted" ] || return 0
    while IFS= read -r service <&4; do
        [ -z "$(old_container "$service")" ] || return 0
    done 4<"$SCRATCH/old-wanted"
    refuse_adoption adopt.foreign "$OLD_PROJECT" "$(tr '\n' ' ' <"$SCRATCH/old-wanted")" "$TITLE"
}

# judge_settings: settings of the old installation must be those that the bundle is made for
judge_settings() {
    local how old_code said zh='' service='' from='' to=''
    keep "$SCRATCH/old-rows" adopt_rows refuse
    while read_adoption how zh <&4; do
        if [ "$LANGUAGE" = zh ]; then how=$zh; fi
        printf '%s\n' "$how" >>"$SCRATCH/refusals" || lose_scratch
    done 4<"$SCRATCH/old-rows"
    keep "$SCRATCH/old-rows" adopt_rows needs
    while read_adoption service from to how <&4; do
        if [ -z "$(old_container "$service")" ]; then
            refuse_adoption adopt.no_service "$service" "$FROM"
            continue
        fi
        old_code=0
        said=$(old_value "$service" "$from") || old_code=$?
        case $old_code in 0) ;; 1) said=- ;; *) said='?' ;; esac # the value exists, but no line can hold it
        case " $how " in *" $said "*) continue ;; esac
        if [ "$how" = - ]; then # it may be a secret
            refuse_adoption adopt.has "$service" "$from"
            continue
        fi
        if [ "$to" != - ] && accepts "$to"; then
            LEFT="$LEFT $to"
        elif [ "$to" != - ]; then
            refuse_adoption adopt.other_store "$from" "$(show_setting "$said")" "$how" "$to"
        else
            refuse_adoption adopt.other_setting "$service" "$from" "$(show_setting "$said")" "$how"
        fi
    done 4<"$SCRATCH/old-rows"
    keep "$SCRATCH/old-rows" adopt_rows most
    while read_adoption service from how <&4; do
        said=$(old_value "$service" "$from") || continue
        if is_number "$said" && [ "$said" -gt "$how" ]; then refuse_adoption adopt.newer "$service" "$from $said" "$how"; fi
    done 4<"$SCRATCH/old-rows"
}

# show_setting TEXT: for a terminal, without the password in an address
show_setting() { printf '%s' "$1" | sed 's|://[^/@]*@|://******@|' | show_plain; }

# judge_images: data of these versions can be adopted
judge_images() {
    local old_image tag service='' from='' how=''
    keep "$SCRATCH/old-rows" adopt_rows image
    while read_adoption service from how <&4; do
        old_image=$(old_field "$service" image)
        [ -n "$old_image" ] || continue
        tag=${old_image%%@*} tag=${tag##*/}
        case $tag in *:*) tag=${tag##*:} tag=${tag#v} ;; *) tag=latest ;; esac
        case $tag in
            [0-9]*)
                if ! at_least "$tag" "$from" || ! at_least "$how" "$tag"; then
                    refuse_adoption adopt.version "$service" "$(printf '%s' "$old_image" | show_plain)" "$from" "$how"
                fi
                ;;
            *) accepts version || refuse_adoption adopt.no_version "$service" "$(printf '%s' "$old_image" | show_plain)" "$from" "$how" ;;
        esac
        note_version "$service" "$tag"
    done 4<"$SCRATCH/old-rows"
}

# note_version SERVICE TAG: what an operator must know when the old version is below a given one
note_version() {
    local how service='' from='' zh=''
    keep "$SCRATCH/old-note-rows" adopt_rows note
    while read_adoption service from how zh <&6; do
        [ "$service" = "$1" ] || continue
        if at_least "$2" "$from"; then continue; fi
        if [ "$LANGUAGE" = zh ]; then how=$zh; fi
        printf '%s\n' "$how" >>"$SCRATCH/old-notes" || lose_scratch
    done 6<"$SCRATCH/old-note-rows"
}

# find_copies: write what is copied to $SCRATCH/old-copies, and what stays empty to $SCRATCH/old-left. The first service that
# has it counts
find_copies() {
    local mount_type old_bytes what='' service='' from='' to='' mount_source=''
    keep "$SCRATCH/old-rows" rows adopt.tsv
    while read_adoption what service from to <&4; do
        case $what in folder | volume) ;; *) continue ;; esac
        if is_copied "$what" "$to"; then continue; fi
        if [ -z "$(old_container "$service")" ]; then
            printf '%s\t%s\n' "$what" "$to" >>"$SCRATCH/old-empty" || lose_scratch
            continue
        fi
        find_mount "$service" "$from" || mount_type=''
        case $mount_type in
            bind | volume) ;;
            *)
                accepts unmounted || refuse_adoption adopt.no_mount "$service" "$from"
                continue
                ;;
        esac
        if { [ -f "$mount_source" ] && ! is_initial "$to"; } || { [ -d "$mount_source" ] && is_initial "$to"; }; then
            refuse_adoption adopt.no_mount "$service" "$from"
            continue
        fi
        if [ -d "$mount_source" ] && holds_root "$mount_source"; then
            refuse_adoption adopt.around "$ROOT" "$mount_source"
            continue
        fi
        old_bytes=-
        if [ -e "$mount_source" ]; then old_bytes=$(count_bytes "$mount_source"); fi
        if is_number "$old_bytes"; then
            if [ "$what" = volume ]; then OLD_VOLUMES_ROOM=$(add_bytes "$OLD_VOLUMES_ROOM" "$old_bytes"); else OLD_ROOM=$(add_bytes "$OLD_ROOM" "$old_bytes"); fi
        fi
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$what" "$to" "$service" "$from" "$mount_type" "$mount_source" "$old_bytes" \
            >>"$SCRATCH/old-copies" || lose_scratch
    done 4<"$SCRATCH/old-rows"
    # if several services may have it, one of them had it
    awk -F "$TAB" -v copies="$SCRATCH/old-copies" "$AWK_OLD_COPY$AWK_OLD_LEFT"'
        BEGIN { while ((getline line < copies) > 0) { split(line, f, "\t"); seen[f[OLD_COPY["what"]], f[OLD_COPY["to"]]] } }
        { what = $OLD_LEFT["what"]; to = $OLD_LEFT["to"] }
        !((what, to) in seen) { seen[what, to]; print }' "$SCRATCH/old-empty" >"$SCRATCH/old-left" || lose_scratch
}

# is_copied WHAT TO: that folder or volume was already found in an earlier service of the old installation
is_copied() {
    awk -F "$TAB" -v what="$1" -v to="$2" "$AWK_OLD_COPY"'
        $OLD_COPY["what"] == what && $OLD_COPY["to"] == to { found = 1 }
        END { exit !found }' "$SCRATCH/old-copies"
}

# find_dumps: write to $SCRATCH/old-dumps; the old server dumps the data, the new one restores them. So neither its version
# nor the sort order of its C library matters
find_dumps() {
    local service database mount_source old_bytes from='' to='' how=''
    keep "$SCRATCH/old-rows" adopt_rows dump
    while read_adoption service from to how <&4; do
        if [ -z "$(old_container "$service")" ]; then
            [ -n "$LEFT" ] || refuse_adoption adopt.no_service "$service" "$FROM"
            continue
        fi
        database=-
        if [ "$how" != - ]; then
            database=$(old_value "${how%%:*}" "${how#*:}") || database=''
            matches "$database" '[A-Za-z0-9_][A-Za-z0-9_.-]*' || {
                refuse_adoption adopt.no_database "$how"
                continue
            }
        fi
        if [ "$(old_field "$service" running)" != true ] && [ -z "$ADOPTION_PHASE" ]; then refuse_adoption adopt.not_running "$service"; fi
        printf '%s\t%s\t%s\t%s\n' "$to" "$service" "$database" "$from" >>"$SCRATCH/old-dumps" || lose_scratch
    done 4<"$SCRATCH/old-rows"
    # the dump and the new files together take at most twice the space of the old files
    cut_column old-dumps service <"$SCRATCH/old-dumps" >"$SCRATCH/old-servers" || lose_scratch
    sort -u "$SCRATCH/old-servers" >"$SCRATCH/old-server-list" || lose_scratch
    while IFS= read -r service <&4; do
        awk -F "$TAB" -v service="$service" "$AWK_OLD_MOUNT"'
            $OLD_MOUNT["fact"] == "M" && $OLD_MOUNT["service"] == service && $OLD_MOUNT["mount_type"] ~ /^(bind|volume)$/ {
                print $OLD_MOUNT["mount_source"]
            }' "$SCRATCH/old" >"$SCRATCH/old-server-mounts" || lose_scratch
        while IFS= read -r mount_source <&6; do
            [ -d "$mount_source" ] || continue
            old_bytes=$(count_bytes "$mount_source")
            if is_number "$old_bytes"; then OLD_ROOM=$(add_bytes "$OLD_ROOM" "$(add_bytes "$old_bytes" "$old_bytes")"); fi
        done 6<"$SCRATCH/old-server-mounts"
    done 4<"$SCRATCH/old-server-list"
}

# adopt_values: write site variables and secrets to the folder RESTORED, which collect_variables reads before the answers.
# `keep`: data are locked with it, so it must be adopted or the adoption is refused; `free`: only the containers have to
# agree on it, so a publicly known or unsuitable value is replaced by a new one; `fits`: adopted if it is valid
adopt_values() {
    local kind what='' service='' from='' to='' how=''
    RESTORED=$SCRATCH/adopted
    { rm -rf "$RESTORED" && (umask 077 && mkdir "$RESTORED" && printf '' >"$RESTORED/site.env" && printf '' >"$RESTORED/secrets.env"); } || lose_scratch
    keep "$SCRATCH/old-rows" rows adopt.tsv
    while read_adoption what service from to how <&4; do
        case $what in value | file) ;; *) continue ;; esac
        kind=$(look_up variables.tsv name "$to" kind)
        [ -n "$kind" ] || continue
        cut_column old-taken variable <"$SCRATCH/old-taken" >"$SCRATCH/old-settled" || lose_scratch
        if cat "$SCRATCH/old-settled" "$SCRATCH/old-renewed" "$SCRATCH/old-unfit" | grep -qxF -e "$to"; then continue; fi
        adopt_value
    done 4<"$SCRATCH/old-rows"
}

# adopt_value: handle the value of one row
adopt_value() {
    local where old_code given file
    where="$service $from" old_code=0
    case $what$service in
        value-) where=".env $from" given=$(old_variable "$from") || old_code=$? ;;
        value*) given=$(old_value "$service" "$from") || old_code=$? ;;
        file*) given=$(old_file_value) || old_code=$? ;;
    esac
    [ "$old_code" -ne 1 ] || return 0
    if [ "$old_code" -eq 0 ] && [ "$kind" = secret ] && is_published; then
        if [ "$how" = free ]; then
            printf '%s\n' "$to" >>"$SCRATCH/old-renewed" || lose_scratch
            return 0
        fi
        printf '%s\n' "$to" >>"$SCRATCH/old-known" || lose_scratch
    fi
    if [ "$old_code" -ne 0 ] || ! (QUIET=yes && check_value "$to" "$given") >/dev/null 2>&1; then
        case $how in
            keep)
                refuse_adoption adopt.unfit "$where" "$to"
                printf '%s\n' "$to" >>"$SCRATCH/old-unfit" || lose_scratch
                ;;
            free) printf '%s\n' "$to" >>"$SCRATCH/old-renewed" || lose_scratch ;;
        esac
        return 0
    fi
    file=site
    [ "$kind" != secret ] || file=secrets
    { printf '%s=%s\n' "$to" "$given" >>"$RESTORED/$file.env" && printf '%s\t%s\t%s\n' "$to" "$kind" "$where" >>"$SCRATCH/old-taken"; } || lose_scratch
}

# is_published: whether this value is publicly known because it is in a file of upstream
is_published() {
    local old_digest
    old_digest=$(printf '%s' "$given" | hash_stream | cut -c 1-64)
    is_hex "$old_digest" 64 || lose_scratch
    keep "$SCRATCH/old-published" adopt_rows published
    cut_column adopt.tsv from <"$SCRATCH/old-published" | grep -qxF -e "$old_digest"
}

# old_file_value: the first line of a file among the data of the old installation: `service` has it at the path `from`
old_file_value() {
    local old_key_file old_line mount_source='' mount_type=''
    find_mount "$service" "${from%/*}" || return 1
    old_key_file=$mount_source/${from##*/}
    if [ -L "$old_key_file" ] || [ ! -f "$old_key_file" ]; then return 1; fi
    if [ "$(wc -c <"$old_key_file")" -gt 4096 ] || ! is_text "$old_key_file"; then return 2; fi
    old_line=$(sed -n 1p "$old_key_file")
    [ -n "$old_line" ] || return 1
    printf '%s\n' "$old_line"
}

# judge_room: the copies, the dumps and the new servers' files made of them must fit in the free space
judge_room() {
    local old_place engine_place
    old_place=$(nearest_folder "$ROOT") OLD_FREE=$(free_bytes "$old_place")
    is_number "$OLD_FREE" || fail $EXIT_FAILED adopt.no_room_known "$old_place"
    engine_place=$(docker info -f '{{.DockerRootDir}}' 2>/dev/null)
    if [ -d "${engine_place:-/-}" ] && [ "$(df -P "$engine_place" | awk 'NR == 2 { print $1 }')" != "$(df -P "$old_place" | awk 'NR == 2 { print $1 }')" ]; then
        if too_little "$OLD_VOLUMES_ROOM" "$(free_bytes "$engine_place")"; then
            refuse_adoption adopt.no_room "$engine_place" "$(human "$(free_bytes "$engine_place")")" "$(human "$OLD_VOLUMES_ROOM")"
        fi
    else
        OLD_ROOM=$(add_bytes "$OLD_ROOM" "$OLD_VOLUMES_ROOM")
    fi
    if [ -z "$ADOPTION_PHASE" ] && too_little "$OLD_ROOM" "$OLD_FREE"; then
        refuse_adoption adopt.no_room "$old_place" "$(human "$OLD_FREE")" "$(human "$OLD_ROOM")"
    fi
}

# count_old_running: running containers of the old installation
count_old_running() {
    awk -F "$TAB" "$AWK_OLD_CONTAINER"'
        $OLD_CONTAINER["fact"] == "C" && $OLD_CONTAINER["running"] == "true" { n++ }
        END { print n + 0 }' "$SCRATCH/old"
}

# print_adoption: print the plan; names of secrets, never their values
print_adoption() {
    local old_image variable bytes each line service='' kind='' where='' id='' what='' to='' mount_source=''
    say adopt.found "$FROM" "$OLD_PROJECT" "$(wc -l <"$SCRATCH/old-ids" | tr -d ' ')" "$(count_old_running)"
    keep "$SCRATCH/old-rows" adopt_rows image
    while read_adoption service <&4; do
        old_image=$(old_field "$service" image)
        [ -z "$old_image" ] || say adopt.image "$service" "$(printf '%s' "$old_image" | show_plain)"
    done 4<"$SCRATCH/old-rows"
    say adopt.becomes "$TITLE" "$VERSION" "$ROOT" "$PROJECT"
    say adopt.values
    while read_taken_value variable kind where <&4; do
        if [ "$kind" = secret ]; then say adopt.secret "$variable" "$where"; else say adopt.value "$variable" "$(value_in "$RESTORED/site.env" "$variable" | show_plain)" "$where"; fi
    done 4<"$SCRATCH/old-taken"
    [ ! -s "$SCRATCH/old-renewed" ] || say adopt.renewed "$(tr '\n' ' ' <"$SCRATCH/old-renewed")"
    print_needed
    say adopt.copies
    while read_old_dump id service <&4; do say adopt.dump "$service" "$id"; done 4<"$SCRATCH/old-dumps"
    while read_old_copy what to service mount_source bytes <&4; do
        is_number "$bytes" && bytes=$(human "$bytes")
        say "adopt.$what" "$service" "$(printf '%s' "$mount_source" | show_plain)" "$to" "$bytes"
    done 4<"$SCRATCH/old-copies"
    while read_old_left to <&4; do say adopt.empty "$to"; done 4<"$SCRATCH/old-left"
    for each in $LEFT; do say adopt.left "$each"; done
    say adopt.room "$(human "$OLD_ROOM")" "$(human "$OLD_FREE")"
    say adopt.keeps "$FROM"
    while IFS= read -r line <&4; do say adopt.note "$line"; done 4<"$SCRATCH/old-notes"
    while IFS= read -r variable <&4; do warn adopt.known "$variable"; done 4<"$SCRATCH/old-known"
    [ ! -s "$SCRATCH/refusals" ] || warn adopt.refused "$(sed 's/^/  /' "$SCRATCH/refusals")"
}

# print_needed: required values that neither the old installation nor the operator supplies yet
print_needed() {
    local needed name='' required='' generator=''
    keep "$SCRATCH/old-variable-rows" rows variables.tsv
    needed=''
    while read_variable name required generator <&4; do
        if [ "$required" = yes ] && [ "$generator" = - ] && [ ! -f "$VALUES/$name" ]; then needed="$needed $name"; fi
    done 4<"$SCRATCH/old-variable-rows"
    [ -z "$needed" ] || say adopt.needed "${needed# }"
}

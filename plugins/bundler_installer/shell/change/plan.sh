# ---- change/plan: what an installation or upgrade would change. Only reads; `install` verifies the bundle first

run_plan() {
    local part=''
    require_tools
    [ -z "$INSTALLED" ] || fail $EXIT_USAGE install.installed "$ROOT"
    name_release
    find_previous
    read_counters
    read_expiry
    BASE=''
    if [ -n "$PREVIOUS" ]; then BASE=$ROOT/releases/$PREVIOUS; elif [ -d "$ROOT/releases/$RELEASE" ]; then BASE=$ROOT/releases/$RELEASE; fi
    ANSWERING=''
    if target_answers; then ANSWERING=yes; fi
    name_engine_change
    copy_config
    compare_images
    collect_variables
    end_at_mistakes
    compare_variables
    compare_config
    find_edits "${PREVIOUS:-$RELEASE}"
    compare_services
    measure_plan
    if [ -n "$JSON" ]; then show print_plan_json; else show print_plan; fi
}

# name_engine_change: what an installation with these options does to the server's engine; sets ENGINE_CHANGE. offer: the
# bundle supplies what is missing, but it was not requested
name_engine_change() {
    plan_engine
    ENGINE_CHANGE=${LACKING:-none}
    if [ -n "$LACKING" ] && [ -z "$INSTALL_ENGINE" ]; then ENGINE_CHANGE=offer; fi
}

# base_rows TABLE: of the running release
base_rows() { if [ -n "$BASE" ] && [ -f "$BASE/$1" ]; then rows_of "$BASE" "$1"; fi; }

# compare_images: lines `new|changed|kept|dropped<TAB>reference<TAB>bytes`; those that must be loaded are in $SCRATCH/absent
compare_images() {
    local state reference='' manifest='' config='' bytes=''
    empty_file "$SCRATCH/absent"
    base_rows images.tsv >"$SCRATCH/base-images"
    [ -z "$ANSWERING" ] || list_engine_images
    rows images.tsv | while read_image reference manifest config bytes; do
        state=absent
        [ -z "$ANSWERING" ] || state=$(image_state "$reference" "$manifest" "$config")
        [ "$state" != absent ] || printf '%s\t%s\n' "$reference" "$manifest" >>"$SCRATCH/absent"
        awk -F "$TAB" -v reference="$reference" -v config="$config" -v state="$state" -v bytes="$bytes" "$AWK_IMAGE$PROGRAM_CHANGE_IMAGE" "$SCRATCH/base-images"
    done >"$SCRATCH/plan-images"
    list_column images.tsv reference >"$SCRATCH/new-names"
    awk -F "$TAB" "$AWK_IMAGE"'
        NR == FNR { known[$0]; next }
        !($IMAGE["reference"] in known) { printf "dropped\t%s\t%s\n", $IMAGE["reference"], $IMAGE["bytes"] }' \
        "$SCRATCH/new-names" "$SCRATCH/base-images" >>"$SCRATCH/plan-images"
    empty_file "$SCRATCH/known-layers"
    [ -z "$ANSWERING" ] || list_known_layers
    list_blobs
}

# compare_services: lines `added|changed|kept|removed<TAB>service`. Changed: another image or definition, another value in it,
# or another content of what it mounts
compare_services() {
    local service what
    find_touched
    list_column services.tsv service >"$SCRATCH/new-services"
    base_rows services.tsv | cut_column services.tsv service >"$SCRATCH/base-services"
    while IFS= read -r service; do
        if ! grep -qxF -- "$service" "$SCRATCH/base-services"; then
            what=added
        elif [ "$(service_image "$FACTS" "$service")" != "$(service_image "$BASE" "$service")" ] ||
            [ "$(service_section "$part" "$service")" != "$(service_section "$BASE" "$service")" ] ||
            grep -qxF -- "$service" "$SCRATCH/touched"; then
            what=changed
        else
            what=kept
        fi
        printf '%s\t%s\n' "$what" "$service"
    done <"$SCRATCH/new-services" >"$SCRATCH/plan-services"
    awk 'NR == FNR { known[$0]; next } !($0 in known) { printf "removed\t%s\n", $0 }' \
        "$SCRATCH/new-services" "$SCRATCH/base-services" >>"$SCRATCH/plan-services"
}

# find_touched: services that use a changed answer or mount a changed file, to $SCRATCH/touched
find_touched() {
    local what='' name=''
    empty_file "$SCRATCH/touched"
    [ -n "$BASE" ] || return 0
    while read_planned_variable what name; do
        printf '%s\n' "$name" || lose_scratch
    done <"$SCRATCH/plan-variables" >"$SCRATCH/changing"
    cat "$SCRATCH/plan-files" >"$SCRATCH/touched-files" || lose_scratch
    [ "$EDITS" != discard ] || cat "$SCRATCH/edits" >>"$SCRATCH/touched-files" || lose_scratch
    base_mounts >"$SCRATCH/base-mounts" || lose_scratch
    keep "$SCRATCH/mounts" rows mounted.tsv
    awk -v names="$SCRATCH/changing" -v files="$SCRATCH/touched-files" -v mounts="$SCRATCH/mounts" -v old="$SCRATCH/base-mounts" \
        "$AWK_EDIT$AWK_MOUNT$PROGRAM_CHANGE_TOUCHED" "$part/config/compose.yaml" >"$SCRATCH/touched" || lose_scratch
}

# base_mounts: of the running release; older versions did not write the table
base_mounts() { [ ! -f "$BASE/mounted.tsv" ] || rows_of "$BASE" mounted.tsv; }

# shared_sections RELEASE_DIR: lines of compose.yaml that belong to no service: networks, volumes
shared_sections() { awk '/^[^ ]/ { inside = ($0 == "services:") } !inside' "$1/config/compose.yaml"; }

# list_restarts: services that do not keep running, separated by blanks. In another release, all that mount files get those of
# its folder
list_restarts() {
    if [ -n "$PREVIOUS" ]; then cut_column mounted.tsv service <"$SCRATCH/mounts"; fi >"$SCRATCH/moving" || lose_scratch
    awk -F "$TAB" -v moving="$SCRATCH/moving" "$AWK_PLANNED_SERVICE"'
        BEGIN { while ((getline line < moving) > 0) moved[line] }
        { what = $PLANNED_SERVICE["what"]; service = $PLANNED_SERVICE["service"] }
        what == "changed" || what == "removed" || (what == "kept" && service in moved) { printf "%s%s", blank, service; blank = " " }' \
        "$SCRATCH/plan-services"
}

# service_image RELEASE_DIR SERVICE: digest of its image's config
service_image() {
    local service_reference
    service_reference=$(look_up_in "$1" services.tsv service "$2" reference)
    look_up_in "$1" images.tsv reference "$service_reference" config
}

# service_section RELEASE_DIR SERVICE: its lines of compose.yaml, which the builder indents by two blanks per level
service_section() {
    awk -v head="  $2:" '
        /^[^ ]/ { inside = ($0 == "services:"); own = 0; next }
        inside && /^  [^ ]/ { own = ($0 == head || index($0, head " ") == 1) }
        own' "$1/config/compose.yaml"
}

# compare_variables: lines `new|changed|removed<TAB>name<TAB>note`; values of secrets are not shown
compare_variables() {
    local old note name='' kind='' required='' generator=''
    base_rows variables.tsv | cut_column variables.tsv name >"$SCRATCH/base-variables"
    base_rows variables.tsv >"$SCRATCH/base-variable-rows"
    rows variables.tsv | while read_variable name kind required generator; do
        old=$(sed -n "s/^$name=//p" "$ROOT/site.env" 2>/dev/null)
        [ -n "$old" ] || old=$(awk -F "$TAB" -v name="$name" "$AWK_VARIABLE"'
            $VARIABLE["name"] == name && $VARIABLE["default"] != "-" { print $VARIABLE["default"] }' "$SCRATCH/base-variable-rows")
        if ! grep -qxF -- "$name" "$SCRATCH/base-variables"; then
            if [ "$kind" != secret ] && [ -f "$VALUES/$name" ]; then
                note=$(format plan.value "$(value "$name")")
            elif [ "$generator" != - ]; then
                note=$(format variables.generated)
            elif [ "$required" = yes ]; then
                note=$(format plan.needed)
            else
                note=-
            fi
            printf 'new\t%s\t%s\n' "$name" "$note"
        elif [ "$kind" = secret ]; then
            old=$(sed -n "s/^$name=//p" "$ROOT/secrets.env" 2>/dev/null)
            if [ -f "$VALUES/$name" ] && [ "$old" != "$(value "$name")" ]; then printf 'changed\t%s\t-\n' "$name"; fi
        elif [ -f "$VALUES/$name" ] && [ "$old" != "$(value "$name")" ]; then
            printf 'changed\t%s\t%s\n' "$name" "$(format plan.change "$old" "$(value "$name")")"
        elif [ ! -f "$VALUES/$name" ] && [ -n "$old" ]; then
            printf 'changed\t%s\t%s\n' "$name" "$(format plan.change "$old" -)"
        fi
    done >"$SCRATCH/plan-variables"
    list_column variables.tsv name >"$SCRATCH/new-names"
    awk 'NR == FNR { known[$0]; next } !($0 in known) { printf "removed\t%s\t-\n", $0 }' \
        "$SCRATCH/new-names" "$SCRATCH/base-variables" >>"$SCRATCH/plan-variables"
}

# copy_config: copy the listed files to $SCRATCH/plan; sets `part`
copy_config() {
    awk 'substr($0, 67, 7) == "config/"' "$FACTS/SHA256SUMS" >"$SCRATCH/config-sums" || lose_scratch
    part=$SCRATCH/plan
    mkdir -p "$part" || lose_scratch
    copy_listed "$SCRATCH/config-sums" "$part"
}

# compare_config: a unified diff of config/ as it was written and as it would be; secrets are redacted
compare_config() {
    local draft written old new name='' kind='' required='' generator='' what='' path=''
    rows variables.tsv | while read_variable name kind required generator; do
        if [ ! -f "$VALUES/$name" ] && [ "$required$generator" != no- ]; then
            printf '%s\n' "$name" >>"$SCRATCH/unanswered" || exit 1
            if [ "$kind" = secret ]; then printf '******' >"$VALUES/$name"; else printf '<%s>' "$name" >"$VALUES/$name"; fi
        fi
    done || lose_scratch
    draft=$SCRATCH/plan-answers
    mkdir -p "$draft" || lose_scratch
    write_draft
    fill_templates
    empty_file "$SCRATCH/plan-diff"
    empty_file "$SCRATCH/plan-files"
    [ -n "$BASE" ] || return 0
    written=$BASE/.written
    [ -d "$written" ] || written=$BASE/config
    list_changes "$written" "$part/config" >"$SCRATCH/plan-files"
    while read_edit what path; do
        old=$written/$path new=$part/config/$path
        [ "$what" != added ] || old=/dev/null
        [ "$what" != removed ] || new=/dev/null
        if have diff && is_text "$old" && is_text "$new"; then
            diff -u -L "a/config/$path" -L "b/config/$path" "$old" "$new"
        else
            printf '%s config/%s\n' "$(format "edits.$what")" "$path"
        fi
    done <"$SCRATCH/plan-files" | redact >"$SCRATCH/plan-diff"
}

# measure_plan: bytes to load and unpack on the engine's disk, and bytes of the release, the kept blobs and the way back on
# the root's disk
measure_plan() {
    LOAD_BYTES=$(cat "$SCRATCH/blob-bytes")
    # compact images are one stream, which is read completely
    if is_compact && [ "$LOAD_BYTES" -gt 0 ]; then LOAD_BYTES=$(number_fact images_bytes); fi
    UNPACK_BYTES=$(rows images.tsv | awk -F "$TAB" -v absent="$SCRATCH/absent" "$AWK_IMAGE$AWK_ABSENT_IMAGE"'
        BEGIN { while ((getline line < absent) > 0) { split(line, f, "\t"); wanted[f[ABSENT_IMAGE["reference"]]] } }
        $IMAGE["reference"] in wanted { sum += $IMAGE["unpacked"] } END { printf "%.0f\n", sum }')
    RELEASE_BYTES=$(du -sk "$part/config" | awk '{ printf "%.0f\n", $1 * 1024 }')
    WAY_BACK=0
    if [ -n "$PREVIOUS" ] && [ -z "$NO_BACKUP" ]; then WAY_BACK=$(count_bytes "$ROOT/data"); fi
    keep "$SCRATCH/migrations" names migrations
    MIGRATIONS=$(tr '\n' ' ' <"$SCRATCH/migrations") || lose_scratch
    MIGRATIONS=${MIGRATIONS% }
    if [ -z "$BASE" ]; then
        DOWN=none
    elif [ -n "$PREVIOUS" ] && [ -z "$NO_BACKUP" ]; then
        DOWN=all
    elif [ "$(shared_sections "$part")" != "$(shared_sections "$BASE")" ]; then
        DOWN=$(tr '\n' ' ' <"$SCRATCH/base-services") || lose_scratch
        DOWN=${DOWN% }
    else
        DOWN=$(list_restarts) || lose_scratch
    fi
    [ -n "$DOWN" ] || DOWN=none
}

plan_kind() {
    if [ -z "$BASE" ]; then
        echo install
    elif [ -z "$PREVIOUS" ]; then
        echo reinstall
    elif at_least "$VERSION" "$(previous_fact version)" && ! is_older; then
        echo upgrade
    else
        echo downgrade
    fi
}

print_plan() {
    local kind old what='' reference='' bytes='' service='' name='' note=''
    kind=$(plan_kind)
    set -- "$TITLE" "$VERSION ($RELEASE)" "$ROOT"
    if [ -n "$PREVIOUS" ]; then
        old=$(previous_fact version)
        set -- "$@" "$old ($PREVIOUS)"
    fi
    show_line "plan.$kind" "$@"
    show_line plan.counter "$COUNTER" "${HIGHEST:--}"
    if [ -z "$BASE" ] && is_older; then show_line plan.older; fi
    case $EXPIRY in
        none) ;;
        valid | unknown) show_line "plan.expiry_$EXPIRY" "$(show_time "$EXPIRES")" ;;
        *) show_line "plan.expiry_$EXPIRY" "$(show_time "$EXPIRES")" "$(show_time "$LAST")" ;;
    esac
    if load_change; then show_line plan.pending "$CHANGE_FROM" "$CHANGE_TO"; fi
    [ "$ENGINE_CHANGE" = none ] || show_line "plan.engine_$ENGINE_CHANGE"
    show_line plan.images
    while read_planned_image what reference bytes; do
        printf '%s\t%s\t%s\n' "$(format "plan.$what")" "$reference" "$(human "$bytes")"
    done <"$SCRATCH/plan-images" | print_columns 0 2
    show_line plan.load "$(human "$LOAD_BYTES")"
    show_line plan.services
    while read_planned_service what service; do
        printf '%s\t%s\n' "$(format "plan.$what")" "$service"
    done <"$SCRATCH/plan-services" | print_columns 0 2
    show_section plan.variables plan-variables
    while read_planned_variable what name note; do
        printf '%s\t%s\t%s\n' "$(format "plan.$what")" "$name" "${note#-}"
    done <"$SCRATCH/plan-variables" | print_columns 0 2
    show_section plan.edits edits
    show_edits
    show_section plan.config plan-diff
    sed 's/^/  /' "$SCRATCH/plan-diff"
    show_line plan.disk "$(human "$LOAD_BYTES")" "$(human "$UNPACK_BYTES")" "$(human "$RELEASE_BYTES")" "$(human "$WAY_BACK")"
    case $DOWN in
        all) show_line plan.down_all ;;
        none) show_line plan.down_none ;;
        *) show_line plan.down "$DOWN" ;;
    esac
    if [ -n "$MIGRATIONS" ]; then show_line plan.migrations "$MIGRATIONS"; else show_line plan.no_migrations; fi
}

# show_line ID [ARGUMENT...]
show_line() {
    format "$@"
    printf '\n'
}

# show_section ID FILE: its title and lines, or nothing if it would be empty
show_section() { [ ! -s "$SCRATCH/$2" ] || show_line "$1"; }

print_plan_json() {
    printf '{"kind": "%s", "name": "%s", "version": "%s", "profile": "%s", "release": "%s", "from": %s, "root": %s' \
        "$(plan_kind)" "$NAME" "$VERSION" "$PROFILE" "$RELEASE" \
        "$(if [ -n "$BASE" ]; then json_string "${BASE##*/}"; else printf null; fi)" "$(json_string "$ROOT")"
    printf ',\n "counter": %s, "highest": %s, "expires": %s, "grace": %s' "$COUNTER" "${HIGHEST:-null}" "${EXPIRES:-null}" "$GRACE"
    print_plan_list images plan-images change reference bytes
    print_plan_list services plan-services change service
    print_plan_list variables plan-variables change name note
    print_plan_list edits edits change path
    printf ',\n "config_diff": %s' "$(json_string "$(cat "$SCRATCH/plan-diff")")"
    printf ',\n "bytes": {"load": %s, "unpack": %s, "release": %s, "backup": %s}' \
        "$LOAD_BYTES" "$UNPACK_BYTES" "$RELEASE_BYTES" "$WAY_BACK"
    printf ',\n "engine": "%s"' "$ENGINE_CHANGE"
    printf ',\n "restarts": %s, "migrations": %s}\n' "$(json_string "$DOWN")" "$(json_string "$MIGRATIONS")"
}

# print_plan_list NAME FILE FIELD...: a list of objects, one per line of the file
print_plan_list() {
    local listed
    printf ',\n "%s": [' "$1"
    listed=$SCRATCH/$2
    shift 2
    awk -F "$TAB" -v names="$*" "$PROGRAM_LIB_JSON$PROGRAM_CHANGE_OBJECTS" "$listed"
    printf ']'
}

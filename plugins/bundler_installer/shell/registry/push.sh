# ---- registry/push: the images of a bundle go to the site's own registry, by curl alone. Nothing leaves before the whole bundle
# is verified
#
# First the registry is asked what it has; then blobs are mounted from one repository in others, uploaded, and mounted again; the
# manifests, byte for byte, come last. Each of these is done by several workers at once.

PARALLEL_MOST=32

# run_push: `push --registry HOST/PREFIX`
run_push() {
    local put=0 uploaded=0 mounted=0 there=0 sent=0
    require_tools
    [ -z "$INSTALLED" ] || fail $EXIT_USAGE push.installed
    (umask 077 && mkdir "$SCRATCH/push" "$SCRATCH/push/desk" "$SCRATCH/push/no-authorities") || lose_scratch
    DESK=$SCRATCH/push/desk
    check_push_options
    require_curl
    if is_compact; then have zstd || fail $EXIT_FAILED push.no_zstd; fi
    is_own_tree "$HERE/images" || fail $EXIT_FAILED push.owner "$HERE"
    name_images_there
    find_login
    verify_bundle
    say push.start "$(wc -l <"$SCRATCH/push/images" | tr -d ' ')" "$REGISTRY"
    enter_registry
    settle_project_there
    BLOBS=$HERE/images/blobs
    push_images
    write_references
    show_pushed
}

# check_push_options: before anything is read that takes long
check_push_options() {
    read_registry
    [ -n "$PARALLEL" ] || PARALLEL=4
    if [ "$PARALLEL" -lt 1 ] || [ "$PARALLEL" -gt "$PARALLEL_MOST" ]; then fail $EXIT_USAGE push.parallel "$PARALLEL_MOST" "$PARALLEL"; fi
    [ -n "$PART_BYTES" ] || PART_BYTES=64
    [ "$PART_BYTES" -ge 1 ] || fail $EXIT_USAGE options.number --registry-part "$PART_BYTES"
    PART_BYTES=$(awk -v part="$PART_BYTES" -v block="$BLOCK" 'BEGIN { printf "%.0f", part * block }')
    # either can be a pipe, which is read once
    [ -z "$REGISTRY_PASSWORD_FILE" ] || is_readable "$REGISTRY_PASSWORD_FILE" || fail $EXIT_USAGE push.no_file "$REGISTRY_PASSWORD_FILE"
    if [ -n "$REGISTRY_CA" ]; then
        is_readable "$REGISTRY_CA" || fail $EXIT_USAGE push.no_file "$REGISTRY_CA"
        cat <"$REGISTRY_CA" >"$SCRATCH/push/authority" || lose_scratch
    fi
    [ -z "$OUTPUT" ] || check_table
}

is_readable() { [ ! -d "$1" ] && [ -r "$1" ]; }

# check_table: the file of --output can be written
check_table() {
    local folder
    case $OUTPUT in /*) ;; *) OUTPUT=$(pwd -P)/$OUTPUT ;; esac
    folder=${OUTPUT%/*}
    if [ -d "$OUTPUT" ] || [ ! -d "${folder:-/}" ] || [ ! -w "${folder:-/}" ]; then fail $EXIT_USAGE push.output "$OUTPUT"; fi
}

# push_images: sets `put`, `uploaded`, `mounted`, `there` and `sent`, bytes
push_images() {
    local each
    keep "$SCRATCH/push/blobs" rows blobs.tsv
    list_media
    awk -F "$TAB" -v images="$SCRATCH/push/images" "$AWK_BLOB$AWK_PUSHED_IMAGE$PROGRAM_REGISTRY_TASKS" "$SCRATCH/push/blobs" >"$SCRATCH/push/ask" || lose_scratch
    run_phase ask
    for each in early upload late put; do empty_file "$SCRATCH/push/$each"; done
    awk -F "$TAB" -v early="$SCRATCH/push/early" -v upload="$SCRATCH/push/upload" -v late="$SCRATCH/push/late" -v put="$SCRATCH/push/put" \
        "$AWK_PUSH_RESULT$PROGRAM_REGISTRY_PLAN" "$SCRATCH/push/ask.results" || lose_scratch
    check_plan
    run_phase early
    add_refused early
    cat "$SCRATCH/push/upload" "$SCRATCH/push/put" >"$SCRATCH/push/needed" || lose_scratch
    if is_compact && [ -s "$SCRATCH/push/needed" ]; then fill_spool "$SCRATCH/push/needed"; fi
    run_phase upload
    run_phase late
    empty_file "$SCRATCH/push/upload"
    mv -f "$SCRATCH/push/upload.results" "$SCRATCH/push/first.results" || lose_scratch
    add_refused late
    run_phase upload
    run_phase put
    for each in ask early first late upload put; do cat "$SCRATCH/push/$each.results" || lose_scratch; done >"$SCRATCH/push/results"
    keep "$SCRATCH/push/sums" sum_results
    read -r there mounted uploaded put sent <"$SCRATCH/push/sums" || lose_scratch
}

# sum_results: how many blobs were there, mounted and uploaded, how many manifests were put, and the bytes of uploads
sum_results() {
    awk -F "$TAB" "$AWK_PUSH_RESULT"'
        { n[$PUSH_RESULT["what"]]++ }
        $PUSH_RESULT["what"] == "uploaded" { sum += $PUSH_RESULT["bytes"] }
        END { printf "%.0f %.0f %.0f %.0f %.0f\n", n["there"], n["mounted"], n["uploaded"], n["put"], sum }' "$SCRATCH/push/results"
}

# list_media: the media type of each manifest, from its descriptor
list_media() {
    keep "$SCRATCH/push/descriptors" list_column image-oci.tsv descriptor
    sed 's/.*"digest":"\([^"]*\)".*"mediaType":"\([^"]*\)".*/\1'"$TAB"'\2/; s/.*"mediaType":"\([^"]*\)".*"digest":"\([^"]*\)".*/\2'"$TAB"'\1/' \
        "$SCRATCH/push/descriptors" >"$SCRATCH/push/media" || lose_scratch
}

# check_plan: each question has become a task, or needs none
check_plan() {
    local asked planned settled
    asked=$(wc -l <"$SCRATCH/push/ask") || lose_scratch
    planned=$(cat "$SCRATCH/push/early" "$SCRATCH/push/upload" "$SCRATCH/push/late" "$SCRATCH/push/put" | wc -l) || lose_scratch
    settled=$(awk -F "$TAB" "$AWK_PUSH_RESULT"'$PUSH_RESULT["what"] ~ /^(there|named)$/ { n++ } END { print n + 0 }' "$SCRATCH/push/ask.results")
    [ "$asked" -eq $((planned + settled)) ] || lose_scratch
}

# add_refused PHASE: what the registry did not mount is uploaded
add_refused() {
    local phase_results
    phase_results=$SCRATCH/push/$1.results
    awk -F "$TAB" "$AWK_PUSH_RESULT"'$PUSH_RESULT["what"] == "refused" {
        print "upload\t" $PUSH_RESULT["repository"] "\t" $PUSH_RESULT["digest"] "\t" $PUSH_RESULT["bytes"] "\t-" }' "$phase_results" >>"$SCRATCH/push/upload" || lose_scratch
}

# run_phase PHASE: the tasks of $SCRATCH/push/PHASE, by several workers; their results go to PHASE.results, one a task
run_phase() {
    local number pid bad bytes_column below share column=''
    below=$(name_below) share=$SCRATCH/push/$1.
    empty_file "$SCRATCH/push/$1.results"
    [ -s "$SCRATCH/push/$1" ] || return 0
    number_column push-tasks bytes
    bytes_column=$column
    sort -t "$TAB" -k "$bytes_column,${bytes_column}rn" "$SCRATCH/push/$1" >"$SCRATCH/push/sorted" || lose_scratch
    if [ "$BLOBS" = "$HERE/images/blobs" ]; then expect_nothing "$HERE"; else expect_nothing "$SPOOL"; fi
    awk -F "$TAB" -v n="$PARALLEL" -v out="$share" -v metered="$SCRATCH/metered" -v below="$below" \
        "$AWK_PUSH_TASK$PROGRAM_REGISTRY_DEAL" "$SCRATCH/push/sorted" || lose_scratch
    rm -f "$SCRATCH/push/stop"
    number=1
    while [ "$number" -le "$PARALLEL" ]; do
        if [ -f "$SCRATCH/push/$1.$number" ]; then
            (work "$1" "$number") &
            HASHING="$HASHING $!"
        fi
        number=$((number + 1))
    done
    [ "$1" != upload ] || start_meter push ''
    bad=''
    for pid in $HASHING; do wait "$pid" || bad=yes; done
    HASHING=''
    stop_meter
    [ -z "$bad" ] || blame_worker
    cat "$SCRATCH/push/$1".*.done >"$SCRATCH/push/$1.results" || lose_scratch
    rm -f "$SCRATCH/push/$1".*.done "$SCRATCH/push/$1".[0-9]*
    expect_lines "$SCRATCH/push/$1.results" "$(wc -l <"$SCRATCH/push/$1")"
}

# name_below: where the blobs are below the folder of the meter
name_below() { if [ "$BLOBS" = "$HERE/images/blobs" ]; then printf 'images/'; fi; }

# work PHASE NUMBER: one worker: its tasks one after the other, until another worker has failed
work() {
    local what='' repository='' digest='' bytes='' more='' result
    WORKER=$2 DESK=$SCRATCH/push/desk.$2 AUTH_SCOPE=''
    { rm -rf "$DESK" && mkdir -m 700 "$DESK"; } || lose_scratch
    empty_file "$SCRATCH/push/$1.$2.done"
    while read_push_task what repository digest bytes more <&5; do
        if [ -f "$SCRATCH/push/stop" ] || ! run_goes_on; then exit 1; fi
        do_task
        printf '%s\t%s\t%s\t%s\t%s\n' "$result" "$repository" "$digest" "$bytes" "$more" >>"$SCRATCH/push/$1.$2.done" || lose_scratch
    done 5<"$SCRATCH/push/$1.$2"
    rm -rf "$DESK"
}

# do_task: sets `result`
do_task() {
    local http='' curl_code=''
    case $what in
        blob) if has_blob "$repository" "$digest"; then result=there; else result=absent; fi ;;
        name) if names_manifest "$repository" "$more" "$digest"; then result=named; else result=unnamed; fi ;;
        mount) if mount_blob "$repository" "$digest" "$more"; then result=mounted; else result=refused; fi ;;
        upload)
            upload_blob "$repository" "$digest" "$bytes"
            result=uploaded
            ;;
        put)
            put_manifest "$repository" "$digest" "$more"
            result=put
            ;;
        *) lose_scratch ;;
    esac
}

# blame_worker: end the run with the reason of one that failed
blame_worker() {
    local each reason_code
    for each in "$SCRATCH"/push/desk.*/reason; do
        [ -s "$each" ] || continue
        IFS= read -r reason_code <"$each" || lose_scratch
        end_with "$reason_code" "$(sed 1d "$each")"
    done
    scratch_has_room || lose_scratch
    fail $EXIT_FAILED tools.failed
}

# end_sessions: cancel the uploads that a signal or another worker ended. Whatever fails here, the rest of the end does not
end_sessions() { [ -z "$ORIGIN" ] || (cancel_uploads) >/dev/null 2>&1 || return 0; }

cancel_uploads() {
    local each session='' http='' curl_code=''
    for each in "$SCRATCH"/push/desk.*/session; do
        [ -s "$each" ] || continue
        DESK=${each%/session}
        IFS= read -r session <"$each" || continue
        case $session in "$ORIGIN"/*) send_signed DELETE "$session" - - - 'max-time = 3' ;; esac
        [ "$http" != 000 ] || return 0
    done
}

clean_at_exit end_sessions

# print_references: reference, registry reference with tag and digest
print_references() {
    awk -F "$TAB" -v host="$REGISTRY_HOST" "$AWK_PUSHED_IMAGE"'{
        print $PUSHED_IMAGE["reference"] "\t" host "/" $PUSHED_IMAGE["repository"] ":" $PUSHED_IMAGE["tag"] "@" $PUSHED_IMAGE["manifest"] }' "$SCRATCH/push/images"
}

# write_references: to the file of --output, whole or not at all
write_references() {
    keep "$SCRATCH/push/references" print_references
    [ -n "$OUTPUT" ] || return 0
    LITTER=$OUTPUT.$$.part
    { rm -f "$LITTER" && cat "$SCRATCH/push/references" >"$LITTER" && put_in_place "$LITTER" "$OUTPUT"; } || fail $EXIT_FAILED release.disk "${OUTPUT%/*}"
    LITTER=''
}

# show_pushed: the references, and what was done for them
show_pushed() {
    if [ -n "$JSON" ]; then
        show print_pushed_json
        return 0
    fi
    show print_columns <"$SCRATCH/push/references"
    say push.done "$put" "$uploaded" "$(human "$sent")" "$mounted" "$there"
    [ -z "$OUTPUT" ] || say push.table "$OUTPUT"
}

print_pushed_json() {
    printf '{"registry":%s,"images":[' "$(json_string "$REGISTRY")"
    awk -F "$TAB" "$AWK_PUSHED_REFERENCE$PROGRAM_LIB_JSON"'{
        printf "%s{\"reference\":\"%s\",\"pushed\":\"%s\"}", (NR > 1 ? "," : ""), escape_json($PUSHED_REFERENCE["reference"]), escape_json($PUSHED_REFERENCE["pushed"]) }' "$SCRATCH/push/references"
    printf '],"manifests":%s,"blobs":{"uploaded":%s,"mounted":%s,"there":%s},"bytes":%s}\n' "$put" "$uploaded" "$mounted" "$there" "$sent"
}

# ---- registry/upload: blobs and manifests (OCI distribution 1.1; end-3 and so on are its endpoints). A session that broke goes
# on where the registry has it; one that the registry has lost begins again

# has_blob REPOSITORY DIGEST: end-2; sets `http` and curl_code. A registry that redirects has it, once the other place says so
has_blob() {
    local url moved hops
    url=$ORIGIN/v2/$1/blobs/$2 hops=0
    while :; do
        call_patiently HEAD "$url" "repository:$1:pull,push" - - -
        case $http in 30[1278]) ;; *) break ;; esac
        hops=$((hops + 1))
        moved=$(settle_url "$(header location)" "$url")
        { [ -n "$moved" ] && [ "$hops" -le 5 ]; } || blame_answer "$1"
        url=${moved#*"$TAB"}
    done
    case $http in
        200) return 0 ;;
        404) return 1 ;;
    esac
    blame_answer "$1"
}

# find_session URL: sets `session` from Location; the next request goes there. Its status is 1 if there is none. A registry
# behind a proxy for TLS may believe that it is used without: that is no place for the images
find_session() {
    local found
    found=$(settle_url "$(header location)" "$1")
    session=${found#*"$TAB"}
    [ -n "$session" ] || return 1
    case $ORIGIN:$session in https:*:[Hh][Tt][Tt][Pp]://*) give_up $EXIT_FAILED push.plain_session "$REGISTRY_HOST" "$(printf '%s' "$session" | sed 's/[?].*//' | show_plain)" ;; esac
    printf '%s\n' "$session" >"$DESK/session" || lose_scratch
}

# drop_session: cancel the upload, without a word; the registry removes what it has of it. Sets `session`
drop_session() {
    local http='' curl_code=''
    [ -n "$session" ] || return 0
    call_registry DELETE "$session" "$scope" - - - 'max-time = 20'
    session=''
    rm -f "$DESK/session"
}

# open_session REPOSITORY: end-4a; sets `session`, `part`, `http` and curl_code
open_session() {
    local least
    call_patiently POST "$ORIGIN/v2/$1/blobs/uploads/" "$scope" - - -
    [ "$http" = 202 ] || blame_answer "$1"
    find_session "$ORIGIN/v2/$1/blobs/uploads/" || give_up $EXIT_FAILED push.no_session "$REGISTRY_HOST" "$1"
    part=$PART_BYTES
    least=$(header oci-chunk-min-length)
    if is_counter "$least" && below "$part" "$least"; then part=$least; fi
}

# find_offset: how many bytes of the session the registry has, from Range; sets `offset`. `0-0` is what registries say at the
# beginning
find_offset() {
    local last
    last=$(header range)
    last=${last#bytes=}
    case $last in
        '' | 0-0) offset=0 ;;
        0-*)
            last=${last#0-}
            is_counter "$last" || return 1
            offset=$(add_bytes "$last" 1)
            ;;
        *) return 1 ;;
    esac
}

# ask_session: end-13: after a break; sets `session`, `offset`, `http` and curl_code. Its status is 1 if the session is lost
ask_session() {
    call_patiently GET "$session" "$scope" - - -
    case $http in 202 | 204) ;; *) return 1 ;; esac
    find_offset || return 1
    [ -z "$(header location)" ] || find_session "$session"
}

# upload_blob REPOSITORY DIGEST BYTES: from below BLOBS
upload_blob() {
    local http='' curl_code='' session='' part='' offset='' scope rounds file whole
    scope="repository:$1:pull,push" file=$BLOBS/sha256/${2#sha256:} rounds=0 whole=''
    while :; do
        open_session "$1"
        if send_blob "$@"; then break; fi
        rounds=$((rounds + 1))
        if [ "$http" = 400 ] && ! is_same_blob "$2"; then give_up $EXIT_VERIFICATION verify.changed "images/blobs/sha256/${2#sha256:}"; fi
        if is_refused || [ "$rounds" -ge "$PUSH_TRIES" ] || { [ "$rounds" -ge 3 ] && [ "$http" != 000 ] && ! is_transient; }; then
            cancel_session
            blame_answer "$1"
        fi
        pause "$rounds"
        drop_session
        if has_blob "$1" "$2"; then return 0; fi # the answer to the last request was lost
    done
    rm -f "$DESK/session"
}

# is_refused: the registry does not want this blob, now or later
is_refused() { case $http in 401 | 403 | 413 | 507) return 0 ;; esac; return 1; }

# cancel_session: the answer that ended it is kept; sets `session` and `http`
cancel_session() {
    local kept_http each
    kept_http=$http
    for each in head body errors; do cp "$DESK/$each" "$DESK/kept-$each" || lose_scratch; done
    drop_session
    for each in head body errors; do mv -f "$DESK/kept-$each" "$DESK/$each" || lose_scratch; done
    http=$kept_http
}

# is_same_blob DIGEST: the file has it still
is_same_blob() {
    local found
    found=$(hash_stream <"$file") || lose_scratch
    [ "sha256:${found%% *}" = "$1" ]
}

# send_blob REPOSITORY DIGEST BYTES: through the session; its status is 1 if it must begin again. Sets `session`, `offset`,
# `whole`, `http` and curl_code. Small ones go in one request (end-6), large ones in parts (end-5)
send_blob() {
    local size breaks before
    breaks=0 offset=0
    if [ -n "$whole" ] || ! below "$part" "$3"; then
        put_blob "$2" "$file" - -
        [ "$http" != 201 ] || return 0
        is_transient && mend_session || return 1
    fi
    while below "$offset" "$3"; do
        size=$(awk -v part="$part" -v all="$3" -v offset="$offset" 'BEGIN { rest = all - offset; printf "%.0f", part < rest ? part : rest }')
        before=$offset
        call_registry PATCH "$session" "$scope" "$file" "$offset" "$size" 'header = "Content-Type: application/octet-stream"'
        if [ "$http" = 202 ] && find_session "$session" && find_offset; then
            if [ "$offset" = 0 ]; then offset=$(add_bytes "$before" "$size"); fi # without Range, all was taken
        elif is_transient || [ "$http" = 416 ]; then
            pause $((breaks + 1))
            mend_session || return 1
        else
            whole=yes # perhaps it takes no parts
            return 1
        fi
        if below "$before" "$offset"; then breaks=0; else breaks=$((breaks + 1)); fi
        if [ "$breaks" -ge "$PUSH_TRIES" ] || below "$3" "$offset"; then return 1; fi
    done
    put_blob "$2" - - -
    [ "$http" = 201 ]
}

# mend_session: after a break, go on where the registry has it; sets `session`, `offset`, `http` and curl_code. Its status is 1
# if the registry has lost it, or has dropped it because of the break: then the answer before is what counts
mend_session() {
    local broken_http broken_code
    broken_http=$http broken_code=$curl_code
    if ask_session; then return 0; fi
    http=$broken_http curl_code=$broken_code
    return 1
}

# put_blob DIGEST BODY FROM BYTES: the last request of a session (end-6); sets `http` and curl_code
put_blob() {
    local url
    case $session in *\?*) url=$session\& ;; *) url=$session\? ;; esac
    url="${url}digest=$1"
    shift
    call_registry PUT "$url" "$scope" "$@" 'header = "Content-Type: application/octet-stream"'
}

# mount_blob REPOSITORY DIGEST FROM: end-11, from another repository; its status is 1 if the registry does not do that
mount_blob() {
    local http='' curl_code='' session='' scope
    scope="repository:$1:pull,push repository:$3:pull"
    call_patiently POST "$ORIGIN/v2/$1/blobs/uploads/?mount=$2&from=$3" "$scope" - - -
    case $http in
        201) return 0 ;;
        202)
            find_session "$ORIGIN/v2/$1/blobs/uploads/" && drop_session
            return 1
            ;;
        000 | 5??) blame_answer "$1" ;;
    esac
    return 1 # the upload shows whether it may write
}

# names_manifest REPOSITORY TAG DIGEST: whether the name is that of the manifest already (end-3); sets `http` and curl_code
names_manifest() {
    local digest_there accept
    accept='header = "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"'
    call_patiently HEAD "$ORIGIN/v2/$1/manifests/$2" "repository:$1:pull,push" - - - "$accept"
    case $http in
        200) ;;
        404) return 1 ;;
        *) blame_answer "$1" ;;
    esac
    digest_there=$(header docker-content-digest)
    case $digest_there in
        sha256:*) ;;
        *)
            call_patiently GET "$ORIGIN/v2/$1/manifests/$2" "repository:$1:pull,push" - - - "$accept"
            [ "$http" = 200 ] || blame_answer "$1"
            digest_there=$(hash_stream <"$DESK/body") || lose_scratch
            digest_there=sha256:${digest_there%% *}
            ;;
    esac
    [ "$digest_there" = "$3" ]
}

# put_manifest REPOSITORY DIGEST TAG: byte for byte (end-7); then the registry has it under its digest
put_manifest() {
    local http='' curl_code='' media file
    file=$BLOBS/sha256/${2#sha256:}
    { [ "$(wc -c <"$file")" -le "$MANIFEST_LIMIT" ] && cat "$file" >"$DESK/manifest"; } 2>/dev/null || give_up $EXIT_FAILED verify.unreadable "$BLOBS"
    file=$DESK/manifest
    is_same_blob "$2" || give_up $EXIT_VERIFICATION verify.changed "images/blobs/sha256/${2#sha256:}"
    media=$(awk -F "$TAB" -v digest="$2" "$AWK_MANIFEST_TYPE"'$MANIFEST_TYPE["manifest"] == digest { print $MANIFEST_TYPE["type"]; exit }' "$SCRATCH/push/media")
    case $media in application/vnd.*) ;; *) give_up $EXIT_VERIFICATION facts.form image-oci.tsv ;; esac
    call_patiently PUT "$ORIGIN/v2/$1/manifests/$3" "repository:$1:pull,push" "$file" - - "header = \"Content-Type: $media\""
    [ "$http" = 201 ] || blame_answer "$1"
    if names_manifest "$1" "$3" "$2"; then return 0; fi
    [ "$http" != 404 ] || give_up $EXIT_FAILED push.lost_manifest "$REGISTRY_HOST" "$1:$3" "$2"
    give_up $EXIT_FAILED push.other_digest "$REGISTRY_HOST" "$1:$3" "$2"
}

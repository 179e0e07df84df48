# ---- registry/exchange: one request to a registry by curl, what its answer means, and when it is sent again
#
# Everything about a request stands in a configuration file of mode 0600: neither a password nor a token is ever an argument or
# a variable of a process. Each worker has a folder of its own for these files (DESK). No redirect is followed by curl.

PUSH_TRIES=7     # how often a request is sent, if the registry is busy or the connection breaks
LONGEST_PAUSE=30 # seconds; a registry can ask for more
BODY_LIMIT=1048576
MANIFEST_LIMIT=4194304
JSON_LIMIT=32768 # what is read of a document: the registry must not hold the run with a long one
BLOCK=1048576

# require_curl: and that it speaks the protocol
require_curl() {
    have curl || fail $EXIT_FAILED push.no_curl
    curl -q --version >"$SCRATCH/push/curl-version" 2>/dev/null || fail $EXIT_FAILED push.no_curl
    [ -n "$REGISTRY_PLAIN" ] || grep -q '^Protocols:.* https' "$SCRATCH/push/curl-version" || fail $EXIT_FAILED push.no_tls
}

# give_up CODE ID [ARGUMENT...]: end the run; in a worker, leave the reason to the run
give_up() {
    local give_code
    [ -n "$WORKER" ] || fail "$@"
    give_code=$1
    shift
    { printf '%s\n' "$give_code" && format "$@"; } >"$DESK/reason" || lose_scratch
    printf '' >"$SCRATCH/push/stop"
    exit 1
}

# quote_setting TEXT: for curl's configuration
quote_setting() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }

# write_request METHOD URL BODY FROM BYTES [LINE...]: see `exchange`
write_request() {
    local line body from bytes
    printf 'url = "%s"\n' "$(quote_setting "$2")"
    case $1 in HEAD) printf 'head\n' ;; *) printf 'request = "%s"\n' "$1" ;; esac
    case $1 in HEAD | GET | POST | DELETE) printf 'max-time = 120\n' ;; esac
    body=$3 from=$4 bytes=$5
    case $body:$from in
        -:*) case $1 in POST | PUT | PATCH) printf 'header = "Content-Length: 0"\n' ;; esac ;;
        *:-) printf 'upload-file = "%s"\n' "$(quote_setting "$body")" ;;
        *) printf 'upload-file = "-"\nheader = "Content-Length: %s"\nheader = "Transfer-Encoding:"\nheader = "Content-Range: %s"\n' "$bytes" "$(last_range "$from" "$bytes")" ;;
    esac
    printf 'dump-header = "%s"\n' "$(quote_setting "$DESK/head")"
    printf 'silent\nshow-error\ngloboff\nconnect-timeout = 20\nspeed-limit = 1\nspeed-time = 300\n'
    case $ORIGIN in https:*) printf 'proto = "=https"\n' ;; *) printf 'proto = "=http,https"\n' ;; esac
    # with a file alone, the folder of authorities that curl is built with counts as well
    [ -z "$REGISTRY_CA" ] || printf 'cacert = "%s"\ncapath = "%s"\n' "$(quote_setting "$SCRATCH/push/authority")" "$(quote_setting "$SCRATCH/push/no-authorities")"
    shift 5
    for line in "$@"; do printf '%s\n' "$line"; done
}

# last_range FROM BYTES: the positions of the first and of the last byte, as in Content-Range
last_range() { awk -v from="$1" -v bytes="$2" 'BEGIN { printf "%.0f-%.0f", from, from + bytes - 1 }'; }

# feed_part FROM BYTES: print a part of the file that descriptor 6 has open. Its position shows the meter how far it is
feed_part() {
    local numbers
    numbers=$(awk -v from="$1" -v bytes="$2" -v block="$BLOCK" 'BEGIN {
        skip = int(from / block); first = from - skip * block
        printf "%.0f %.0f %.0f", skip, int((first + bytes + block - 1) / block), first + 1
    }')
    # shellcheck disable=SC2086 # word splitting is intended
    set -- "$2" $numbers
    dd bs="$BLOCK" skip="$2" count="$3" <&6 2>/dev/null | if [ "$4" = 1 ]; then cat; else tail -c "+$4"; fi | head -c "$1"
}

# exchange METHOD URL BODY FROM BYTES [LINE...]: send one request; sets `http` and curl_code. Without a status, or if the
# connection broke before the end of an answer of success, http is 000. BODY: a file, or -; from FROM, only BYTES of it; with
# FROM -, all of it. LINE: of curl's configuration. The answer is in DESK: head, body
exchange() {
    local body_limit
    body_limit=$BODY_LIMIT
    case $1:$2 in GET:*/manifests/*) body_limit=$((MANIFEST_LIMIT + 1)) ;; esac
    (umask 077 && write_request "$@" >"$DESK/request") || lose_scratch
    rm -f "$DESK/head" "$DESK/code"
    empty_file "$DESK/head"
    case $3:$4 in
        -:* | *:-) run_curl </dev/null ;;
        *)
            command exec 6<"$3" || give_up $EXIT_FAILED verify.unreadable "${3%/*}"
            feed_part "$4" "$5" 2>/dev/null | run_curl
            exec 6<&-
            ;;
    esac
    { read -r curl_code <"$DESK/code"; } 2>/dev/null || lose_scratch
    http=$(awk '/^HTTP\// { status = $2 } END { print status }' "$DESK/head")
    is_number "$http" && [ "$http" -ge 200 ] || http=000
    case $curl_code:$http in 0:* | *:[45]??) ;; *) http=000 ;; esac
}

run_curl() {
    {
        curl -q -K "$DESK/request" 2>"$DESK/errors"
        printf '%s\n' $? >"$DESK/code"
    } | head -c "$body_limit" >"$DESK/body"
}

# header NAME: its last value in the last head of the answer; NAME in lower case
header() {
    tr -d '\r' <"$DESK/head" | LC_ALL=C awk -v name="$1" '
        /^HTTP\// { value = "" }
        { colon = index($0, ":") }
        colon && tolower(substr($0, 1, colon - 1)) == name { value = substr($0, colon + 1); gsub(/^[ \t]+|[ \t]+$/, "", value) }
        END { print value }'
}

# leaf PATH: a text of the JSON document in the answer; nothing if it has none, or the document is damaged or too long
leaf() {
    local leaves
    leaves=$(head -c "$JSON_LIMIT" "$DESK/body" | LC_ALL=C awk "$PROGRAM_REGISTRY_LEAVES" 2>/dev/null) || return 0
    printf '%s\n' "$leaves" | awk -F "$TAB" -v path="$1" "$AWK_JSON_LEAF"'$JSON_LEAF["path"] == path && !n++ { print $JSON_LEAF["value"] }'
}

# is_transient: whether the same request may succeed later. curl: 1 to 4, 23 to 27, 43, 48: the request or this machine;
# 51, 53, 54, 58 to 60, 66, 77, 80, 82, 83, 90, 91: certificates
is_transient() {
    case $http in
        408 | 425 | 429 | 500 | 502 | 503 | 504 | 52[0-9]) return 0 ;;
        000) ;;
        *) return 1 ;;
    esac
    case $curl_code in 1 | 2 | 3 | 4 | 23 | 26 | 27 | 43 | 48 | 51 | 53 | 54 | 58 | 59 | 60 | 66 | 77 | 80 | 82 | 83 | 90 | 91) return 1 ;; esac
}

# pause TRY: before a request is sent again: 1, 2, 4 ... seconds, or as long as the registry asks for
pause() {
    local wish seconds each
    seconds=1 each=1
    while [ "$each" -lt "$1" ] && [ "$seconds" -lt "$LONGEST_PAUSE" ]; do seconds=$((seconds * 2)) each=$((each + 1)); done
    [ "$seconds" -le "$LONGEST_PAUSE" ] || seconds=$LONGEST_PAUSE
    wish=$(header retry-after)
    case $http:$wish in
        000:* | *: | *:*[!0-9]*) ;;
        *) if [ "${#wish}" -gt 3 ] || [ "$wish" -gt 600 ]; then seconds=600; elif [ "$wish" -gt "$seconds" ]; then seconds=$wish; fi ;;
    esac
    write_log "$(describe_answer): $seconds s"
    sleep "$seconds"
}

# describe_answer: what the registry, or curl, said last, on one line
describe_answer() {
    local said
    if [ "$http" = 000 ]; then
        said=$(sed -n 's/^curl: ([0-9]*) //p' "$DESK/errors" | show_plain)
        printf '%s' "curl $curl_code${said:+: $said}"
    else
        said=$(leaf 'errors>0>message')
        [ -n "$said" ] || said=$(leaf 'errors>0>code')
        printf '%s' "HTTP $http${said:+: $(printf '%s' "$said" | show_plain)}"
    fi
}

# blame_answer REPOSITORY: give up with what the answer means and what to do
blame_answer() {
    local said
    said=$(describe_answer)
    blame_words "$said" "$1"
    case $http in
        000)
            case $curl_code in
                1) case $REGISTRY_PLAIN$said in yes*HTTP/0.9*) give_up $EXIT_FAILED push.has_tls "$REGISTRY_HOST" "$said" ;; esac ;;
                6) give_up $EXIT_FAILED push.no_host "$REGISTRY_HOST" ;;
                7) give_up $EXIT_FAILED push.no_answer "$REGISTRY_HOST" "$said" ;;
                23)
                    if is_overlong; then give_up $EXIT_FAILED push.long_answer "$REGISTRY_HOST"; fi
                    give_up $EXIT_FAILED tools.scratch_full "${SCRATCH%/*}"
                    ;;
                35) give_up $EXIT_FAILED push.handshake "$REGISTRY_HOST" "$said" ;;
                51 | 60 | 83 | 90 | 91) give_up $EXIT_FAILED push.certificate "$REGISTRY_HOST" "$said" ;;
                77) give_up $EXIT_FAILED push.bad_ca "${REGISTRY_CA:--}" "$said" ;;
            esac
            give_up $EXIT_FAILED push.broken "$REGISTRY_HOST" "$said"
            ;;
        400) if [ -n "$REGISTRY_PLAIN" ] && grep -qiE 'https|ssl|tls' "$DESK/body"; then give_up $EXIT_FAILED push.has_tls "$REGISTRY_HOST" "$said"; fi ;;
        401 | 403)
            # a token that was given, but does not suffice
            [ -n "$LOGIN_NAME" ] || give_up $EXIT_FAILED push.no_login "$REGISTRY_HOST" "$said"
            [ "$http$AUTH_SCOPE" != 401 ] || give_up $EXIT_FAILED push.wrong_login "$REGISTRY_HOST" "$LOGIN_NAME" "$said"
            give_up $EXIT_FAILED push.forbidden "$REGISTRY_HOST" "$LOGIN_NAME" "$1" "$said"
            ;;
        404) give_up $EXIT_FAILED push.not_found "$REGISTRY_HOST" "$1" "$said" ;;
        413) give_up $EXIT_FAILED push.too_large "$REGISTRY_HOST" "$said" ;;
        429) give_up $EXIT_FAILED push.busy "$REGISTRY_HOST" "$said" ;;
        507) give_up $EXIT_FAILED push.quota "$REGISTRY_HOST" "$said" ;;
        30[1278]) blame_redirect ;;
    esac
    give_up $EXIT_FAILED push.answered "$REGISTRY_HOST" "$1" "$said"
}

# is_overlong: the answer was cut, and not by a full disk
is_overlong() {
    local taken
    taken=$(wc -c <"$DESK/body") || lose_scratch
    [ "$taken" -eq "$BODY_LIMIT" ] || [ "$taken" -gt "$MANIFEST_LIMIT" ]
}

# blame_words SAID REPOSITORY: give up if the words say more than the status: Harbor answers 403 when a project is full
# (controller/quota) and 412 for a tag that is immutable, Nexus 400 if its repository takes no other image for a tag
blame_words() {
    local words
    case $http in 401 | 404 | 429 | [!45]??) return 0 ;; esac
    words=$1
    # the name of a repository can be any word
    while [ -n "$2" ]; do
        case $words in *"$2"*) words=${words%%"$2"*}${words#*"$2"} ;; *) break ;; esac
    done
    case $words in
        *[Qq]uota* | *QUOTA* | *'exceed the configured upper limit'*) give_up $EXIT_FAILED push.quota "$REGISTRY_HOST" "$1" ;;
        *[Ii]mmutable* | *'does not allow updating'*) give_up $EXIT_FAILED push.immutable "$REGISTRY_HOST" "$2" "$1" ;;
    esac
}

# blame_redirect: give up; the message names what can stand in --registry
blame_redirect() {
    local origin
    origin=$(settle_url "$(header location)" "$ORIGIN/v2/")
    origin=${origin%%"$TAB"*}
    case $origin:$ORIGIN in
        "$ORIGIN:$ORIGIN" | :* | http:*:https:*) give_up $EXIT_FAILED push.astray "$REGISTRY_HOST" "$(header location | show_plain)" ;;
        https:*:http:*) give_up $EXIT_FAILED push.redirected_tls "$REGISTRY_HOST" "${origin#*://}" ;;
    esac
    give_up $EXIT_FAILED push.redirected "$REGISTRY_HOST" "${origin#*://}"
}

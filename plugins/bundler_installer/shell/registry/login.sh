# ---- registry/login: who pushes. The registry says by WWW-Authenticate whether it takes a name and a password, or tokens of a
# server that it names (distribution: spec/auth/token). The credentials go to these two and to no other host

# find_login: sets LOGIN_NAME and LOGIN_WORD: from the options, or from the Docker configuration of this user
find_login() {
    local given=''
    LOGIN_NAME='' LOGIN_WORD=''
    if [ -z "$REGISTRY_USER" ]; then
        [ -z "$REGISTRY_PASSWORD_FILE" ] || fail $EXIT_USAGE push.no_user
        find_docker_login
        return 0
    fi
    case $REGISTRY_USER in *:* | *"$NEWLINE"*) fail $EXIT_USAGE push.user_form ;; esac
    LOGIN_NAME=$REGISTRY_USER
    if [ -n "$REGISTRY_PASSWORD_FILE" ]; then
        IFS= read -r LOGIN_WORD <"$REGISTRY_PASSWORD_FILE" 2>/dev/null || [ -n "$LOGIN_WORD" ] ||
            fail $EXIT_USAGE push.no_password_file "$REGISTRY_PASSWORD_FILE"
        LOGIN_WORD=${LOGIN_WORD%"$(printf '\r')"}
        [ -n "$LOGIN_WORD" ] || fail $EXIT_USAGE push.no_password_file "$REGISTRY_PASSWORD_FILE"
    elif [ -n "${BUNDLE_REGISTRY_PASSWORD:-}" ]; then
        LOGIN_WORD=$BUNDLE_REGISTRY_PASSWORD
    elif [ -n "$TERMINAL" ] && [ -z "$YES$JSON" ]; then
        read_silently "$(format push.ask_password "$LOGIN_NAME" "$REGISTRY_HOST") " || fail $EXIT_USAGE push.no_password
        LOGIN_WORD=$given
    fi
    case $LOGIN_WORD in '' | *"$NEWLINE"*) fail $EXIT_USAGE push.no_password ;; esac
}

# find_docker_login: from `auths` of ~/.docker/config.json, as `docker login` writes it. Other programs that keep logins are not
# asked
find_docker_login() {
    local file pair
    file=${DOCKER_CONFIG:-$HOME/.docker}/config.json
    if [ ! -f "$file" ] || [ ! -r "$file" ] || [ "$(wc -c <"$file")" -gt 262144 ]; then return 0; fi
    (umask 077 && awk "$PROGRAM_REGISTRY_LEAVES" "$file" >"$SCRATCH/push/logins" 2>/dev/null) || {
        warn push.docker_config "$file"
        return 0
    }
    pair=$(awk -F "$TAB" -v host="$REGISTRY_HOST" "$AWK_JSON_LEAF"'
        BEGIN { for (i = split(",/,/v1/,/v2/", end, ","); i > 0; i--) { named["auths>" host end[i] ">auth"]; named["auths>https://" host end[i] ">auth"] } }
        $JSON_LEAF["path"] in named { print $JSON_LEAF["value"]; exit }' \
        "$SCRATCH/push/logins" | openssl base64 -d -A 2>/dev/null)
    rm -f "$SCRATCH/push/logins"
    case $pair in
        # it would be another line of curl's configuration
        *"$NEWLINE"* | *"$(printf '\r')"*) warn push.docker_config "$file" ;;
        ?*:?*)
            LOGIN_NAME=${pair%%:*} LOGIN_WORD=${pair#*:}
            say push.docker_login "$LOGIN_NAME" "$file"
            ;;
    esac
}

# print_login: the line of curl's configuration
print_login() { printf 'user = "%s:%s"\n' "$(quote_setting "$LOGIN_NAME")" "$(quote_setting "$LOGIN_WORD")"; }

# take_challenge: what the registry wants, from the answer; sets AUTH, REALM and SERVICE. Its status is 1 if that is nothing
# that can be given
take_challenge() {
    local realm_origin
    tr -d '\r' <"$DESK/head" | awk '/^HTTP\// { n = 0 } tolower($0) ~ /^www-authenticate:/ { sub(/^[^:]*:[ \t]*/, ""); line[++n] = $0 } END { for (i = 1; i <= n; i++) print line[i] }' >"$DESK/challenge-lines" || lose_scratch
    [ "$(wc -c <"$DESK/challenge-lines")" -le "$JSON_LIMIT" ] || return 1
    awk "$PROGRAM_REGISTRY_CHALLENGES" "$DESK/challenge-lines" >"$DESK/challenges" || return 1
    REALM=$(awk -F "$TAB" "$AWK_CHALLENGE"'$CHALLENGE["scheme"] == "bearer" && $CHALLENGE["name"] == "realm" { print $CHALLENGE["value"]; exit }' "$DESK/challenges")
    if [ -n "$REALM" ]; then
        SERVICE=$(awk -F "$TAB" "$AWK_CHALLENGE"'$CHALLENGE["scheme"] == "bearer" && $CHALLENGE["name"] == "service" { print $CHALLENGE["value"]; exit }' "$DESK/challenges")
        realm_origin=$(settle_url "$REALM" "$ORIGIN/v2/")
        REALM=${realm_origin#*"$TAB"} realm_origin=${realm_origin%%"$TAB"*}
        judge_realm "$realm_origin"
        AUTH=bearer
    elif grep -q "^basic$TAB" "$DESK/challenges"; then
        AUTH=basic
    else
        return 1
    fi
}

# judge_realm ORIGIN: a password is given to a token server over TLS only; without TLS, whoever sits in between can name one,
# so it must be on the same host, to which passwords go in clear text anyway
judge_realm() {
    [ -n "$1" ] || give_up $EXIT_FAILED push.bad_realm "$REGISTRY_HOST"
    if [ -n "$REGISTRY_PLAIN" ]; then
        [ "$(host_of "$1")" = "$(host_of "$ORIGIN")" ] || give_up $EXIT_FAILED push.other_realm "$REGISTRY_HOST" "$1"
        return 0
    fi
    case $1 in https://*) return 0 ;; esac
    give_up $EXIT_FAILED push.plain_realm "$REGISTRY_HOST" "$1"
}

# encode TEXT: every byte percent-encoded (RFC 3986, 2.1)
encode() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# fetch_token SCOPE: SCOPE: one or more, separated by blanks; the line for curl goes to the file `login` of DESK
fetch_token() {
    local http='' curl_code='' url token each tries
    case $REALM in *\?*) url=$REALM\& ;; *) url=$REALM\? ;; esac
    url="${url}service=$(encode "$SERVICE")"
    for each in $1; do url="$url&scope=$(encode "$each")"; done
    tries=0 AUTH_SCOPE=''
    while :; do
        if [ -n "$LOGIN_NAME" ]; then exchange GET "$url" - - - "$(print_login)"; else exchange GET "$url" - - -; fi
        is_transient || break
        tries=$((tries + 1))
        [ "$tries" -lt "$PUSH_TRIES" ] || break
        pause "$tries"
    done
    token=''
    if [ "$http" = 200 ]; then
        token=$(leaf token)
        [ -n "$token" ] || token=$(leaf access_token)
    fi
    case $token in
        '' | *[!A-Za-z0-9._~+/=-]*)
            case $http in 000 | 401 | 403 | 429) [ "$http" != 403 ] || http=401; blame_answer - ;; esac
            give_up $EXIT_FAILED push.no_token "$(printf '%s' "$REALM" | show_plain)" "$(describe_answer)"
            ;;
    esac
    (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$token" >"$DESK/login") || lose_scratch
    AUTH_SCOPE=$1
}

# prepare_login SCOPE: the file `login` of DESK fits the request
prepare_login() {
    case $AUTH in
        bearer) [ "$AUTH_SCOPE" = "$1" ] || fetch_token "$1" ;;
        basic)
            if [ ! -s "$DESK/login" ] && [ -n "$LOGIN_NAME" ]; then
                (umask 077 && print_login >"$DESK/login") || lose_scratch
            fi
            ;;
    esac
}

# call_registry METHOD URL SCOPE BODY FROM BYTES [LINE...]: as `exchange`, with the login if the URL is one of the registry; a
# token that has expired is renewed once. Sets `http` and curl_code
call_registry() {
    local method url scope each
    method=$1 url=$2 scope=$3
    shift 3
    each=$(settle_url "$url" "$ORIGIN/v2/")
    if [ "${each%%"$TAB"*}" != "$ORIGIN" ]; then
        exchange "$method" "$url" "$@"
        return 0
    fi
    prepare_login "$scope"
    send_signed "$method" "$url" "$@"
    [ "$http" = 401 ] || return 0
    if [ "$AUTH" = basic ] && [ -n "$LOGIN_NAME" ]; then return 0; fi
    take_challenge || return 0
    AUTH_SCOPE=''
    prepare_login "$scope"
    send_signed "$method" "$url" "$@"
}

# send_signed METHOD URL BODY FROM BYTES [LINE...]: with the file `login`, if there is one; sets `http` and curl_code
send_signed() {
    if [ -s "$DESK/login" ]; then exchange "$@" "$(cat "$DESK/login")"; else exchange "$@"; fi
}

# call_patiently METHOD URL SCOPE BODY FROM BYTES [LINE...]: the same, again while the registry is busy; sets `http` and
# curl_code
call_patiently() {
    local tries
    tries=0
    while :; do
        call_registry "$@"
        is_transient || return 0
        tries=$((tries + 1))
        [ "$tries" -lt "$PUSH_TRIES" ] || return 0
        pause "$tries"
    done
}

# enter_registry: it answers as a registry (OCI distribution, end-1), and takes the login. Sets AUTH, REALM and SERVICE
enter_registry() {
    local http='' curl_code='' repository
    repository=$(sed -n 1p "$SCRATCH/push/images" | cut_column push-images repository)
    exchange GET "$ORIGIN/v2/" - - -
    if is_transient; then
        pause 1
        exchange GET "$ORIGIN/v2/" - - -
    fi
    case $http in
        200) ;;
        401) take_challenge || give_up $EXIT_FAILED push.no_scheme "$REGISTRY_HOST" "$(head -c 1000 "$DESK/challenge-lines" | show_plain)" ;;
        404) give_up $EXIT_FAILED push.no_api "$REGISTRY_HOST" ;;
        *) blame_answer "$repository" ;;
    esac
    case $AUTH:$LOGIN_NAME in
        basic:) blame_answer "$repository" ;;
        basic:*)
            call_patiently GET "$ORIGIN/v2/" - - - -
            [ "$http" = 200 ] || blame_answer "$repository"
            ;;
        bearer:*) fetch_token "repository:$repository:pull,push" ;;
    esac
}

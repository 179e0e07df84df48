# ---- registry/harbor: Harbor has projects; the first part of the prefix names one, which is made if it does not exist and the
# user may do that (Harbor API 2.0: headProject, createProject)

# is_harbor: by its token server, or by what it says about itself (getSystemInfo)
is_harbor() {
    local http='' curl_code=''
    case $SERVICE in harbor-registry) return 0 ;; esac
    exchange GET "$ORIGIN/api/v2.0/systeminfo" - - -
    [ "$http" = 200 ] && [ -n "$(leaf auth_mode)" ] && [ -n "$(leaf registry_url)$(leaf harbor_version)" ]
}

# settle_project_there: the project exists, or is made now
settle_project_there() {
    local http='' curl_code='' project
    is_harbor || return 0
    project=${REGISTRY_PREFIX%%/*}
    [ -n "$project" ] || fail $EXIT_USAGE push.harbor_prefix "$REGISTRY_HOST" "$REGISTRY_HOST"
    [ -n "$LOGIN_NAME" ] || return 0 # the push says what is missing
    exchange HEAD "$ORIGIN/api/v2.0/projects?project_name=$project" - - - "$(print_login)"
    case $http in
        200) return 0 ;;
        404) ;;
        401) blame_answer "$project" ;;
        *)
            # robot accounts of a project may not ask; the push shows whether they may write
            write_log "$(describe_answer)"
            return 0
            ;;
    esac
    printf '{"project_name":"%s","metadata":{"public":"false"}}' "$project" >"$DESK/project" || lose_scratch
    exchange POST "$ORIGIN/api/v2.0/projects" "$DESK/project" - - "$(print_login)" 'header = "Content-Type: application/json"'
    case $http in
        201) say push.harbor_made "$project" "$REGISTRY_HOST" ;;
        409) ;;
        401 | 403) fail $EXIT_FAILED push.harbor_rights "$project" "$REGISTRY_HOST" "$LOGIN_NAME" "$(describe_answer)" ;;
        *) fail $EXIT_FAILED push.harbor_failed "$project" "$REGISTRY_HOST" "$(describe_answer)" ;;
    esac
}

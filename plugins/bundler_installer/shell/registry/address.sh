# ---- registry/address: where images are pushed to, and what they are called there

REGISTRY_FORM='([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?'
PREFIX_FORM='[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'

# read_registry: sets REGISTRY_HOST, REGISTRY_PREFIX and ORIGIN from --registry
read_registry() {
    local plain_registry port
    plain_registry=$(printf '%s' "$REGISTRY" | show_plain)
    case $REGISTRY in
        '') fail $EXIT_USAGE push.no_registry ;;
        *://*) fail $EXIT_USAGE push.scheme "$plain_registry" ;;
        */) REGISTRY=${REGISTRY%/} ;;
    esac
    REGISTRY_HOST=${REGISTRY%%/*} REGISTRY_PREFIX=''
    case $REGISTRY in */*) REGISTRY_PREFIX=${REGISTRY#*/} ;; esac
    matches "$REGISTRY_HOST" "$REGISTRY_FORM" || fail $EXIT_USAGE push.form "$plain_registry"
    [ -z "$REGISTRY_PREFIX" ] || matches "$REGISTRY_PREFIX" "$PREFIX_FORM" || fail $EXIT_USAGE push.form "$plain_registry"
    port=${REGISTRY_HOST#"$(host_of "$REGISTRY_HOST")"}
    port=${port#:}
    if [ -n "$port" ] && { [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; }; then fail $EXIT_USAGE push.port "$plain_registry"; fi
    # engines and Kubernetes take the first part of a reference for a host only if it looks like one
    case $REGISTRY_HOST in *.* | *:* | localhost) ;; *) fail $EXIT_USAGE push.short_host "$REGISTRY_HOST" "$REGISTRY_HOST" ;; esac
    ORIGIN=$(settle_url "https://$REGISTRY_HOST/" '')
    [ -z "$REGISTRY_PLAIN" ] || ORIGIN=$(settle_url "http://$REGISTRY_HOST/" '')
    ORIGIN=${ORIGIN%%"$TAB"*}
    [ -n "$ORIGIN" ] || fail $EXIT_USAGE push.form "$plain_registry"
}

# host_of ORIGIN: print it without scheme and port; an IPv6 address ends with its bracket
host_of() {
    local host
    host=${1#*://}
    case $host in *\]) ;; *) host=${host%:*} ;; esac
    printf '%s' "$host"
}

# settle_url URL BASE: print the origin and the whole URL, separated by a tab; nothing if it is none
settle_url() { printf '%s\n' "$1" | LC_ALL=C awk -v base="$2" "$PROGRAM_REGISTRY_ADDRESS"; }

# name_images_there: write what each image is called in the registry to $SCRATCH/push/images
name_images_there() {
    local what='' reference='' other=''
    keep "$SCRATCH/push/rows" rows images.tsv
    awk -F "$TAB" -v prefix="$REGISTRY_PREFIX" -v host="$REGISTRY_HOST" "$AWK_IMAGE$PROGRAM_REGISTRY_NAMES" "$SCRATCH/push/rows" >"$SCRATCH/push/images" || lose_scratch
    if grep "^!$TAB" "$SCRATCH/push/images" >"$SCRATCH/push/unnamed"; then
        read_unnamed_image what reference other <"$SCRATCH/push/unnamed" || lose_scratch
        fail $EXIT_FAILED "push.name_$what" "$reference" "$other"
    fi
    expect_lines "$SCRATCH/push/images" "$(wc -l <"$SCRATCH/push/rows")"
    [ -s "$SCRATCH/push/images" ] || fail $EXIT_FAILED push.no_images
}

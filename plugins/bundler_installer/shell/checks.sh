# ---- checks: one record each: id, result, measured, required

# check ID RESULT MEASURED REQUIRED: note a result; one that was accepted by name becomes a warning
check() {
    result=$2
    if [ "$result" = fail ] && accepts "$1"; then result=accepted; fi
    printf '%s\t%s\t%s\t%s\n' "$1" "$result" "${3:--}" "${4:--}" >>"$SCRATCH/checks"
}

# check_amount ID MEASURED SHOWN UNIT: against the minimum and the recommended of requirements.tsv
check_amount() {
    minimum=$(requirement "$1" 2) recommended=$(requirement "$1" 3)
    required=$(show_amount "$minimum" "$4")
    if is_number "$minimum" && [ "$2" -lt "$minimum" ]; then
        check "$1" fail "$3" "$required"
    elif is_number "$recommended" && [ "$2" -lt "$recommended" ]; then
        check "$1" warn "$3" "$(show_amount "$recommended" "$4")"
    else
        check "$1" pass "$3" "$required"
    fi
}

show_amount() {
    case $1 in
        - | '') printf -- '-' ;;
        *) if [ "$2" = bytes ]; then human "$1"; else printf '%s' "$1"; fi ;;
    esac
}

# requirement ID FIELD
requirement() {
    rows requirements.tsv | awk -F "$TAB" -v id="$1" -v field="$2" '$1 == id { print $field; exit }'
}

check_platform() {
    want=$(fact arch)
    machine=$(probe_machine)
    case $machine in
        x86_64 | amd64) found=amd64 ;;
        aarch64 | arm64) found=arm64 ;;
        armv7l) found=arm ;;
        *) found=$machine ;;
    esac
    if [ "$found" = "$want" ]; then check platform pass "$found" "$want"; else check platform fail "$found" "$want"; fi
}

probe_machine() {
    if [ -n "$PROBE_ROOT" ]; then cat "$PROBE_ROOT/machine"; else uname -m; fi
}

check_cpu() {
    if [ -n "$PROBE_ROOT" ]; then cores=$(grep -c '^processor' "$PROBE_ROOT/proc/cpuinfo"); else cores=$(count_cores); fi
    check_amount cpu "$cores" "$cores" cores
}

# check_memory: firmware and a crash kernel keep up to a tenth of what was bought
check_memory() {
    kib=$(awk '/^MemTotal:/ { print $2; exit }' "$PROBE_ROOT/proc/meminfo")
    bytes=$(awk -v kib="$kib" 'BEGIN { printf "%.0f", kib * 1024 }')
    allowed=$(awk -v b="$bytes" 'BEGIN { printf "%.0f", b / 0.9 }')
    check_amount memory "$allowed" "$(human "$bytes")" bytes
}

# check_disk: what lies on each device is summed, then compared with its free space
check_disk() {
    release_bytes=$(awk -v a="$(number_fact bundle_bytes)" -v b="$(number_fact images_bytes)" \
        'BEGIN { d = a - b; printf "%.0f", (d > 0 ? d : 0) + 50000000 }')
    : >"$SCRATCH/needs"
    need_room "$ROOT" "$(number_fact data_bytes)"
    need_room "$ROOT" "$release_bytes"
    engine_root=''
    if [ "$DOCKER" = yes ]; then engine_root=$(docker info -f '{{.DockerRootDir}}' 2>/dev/null); fi
    # loading unpacks the archive beside the images: it needs both at once
    loading=$(awk -v a="$(number_fact images_bytes)" -v b="$(number_fact unpacked_bytes)" 'BEGIN { printf "%.0f", a + b }')
    if [ "$DOCKER" = yes ] && images_are_there; then loading=0; fi
    need_room "${engine_root:-/var/lib/docker}" "$loading"
    awk -F "$TAB" '{ need[$1] += $2; free[$1] = $3; point[$1] = $4 }
        END { for (d in need) printf "%s\t%.0f\t%s\t%s\n", d, need[d], free[d], point[d] }' "$SCRATCH/needs" |
        sort >"$SCRATCH/devices"
    while IFS="$TAB" read -r device need free point; do
        [ -n "$device" ] || continue
        if awk -v need="$need" -v free="$free" 'BEGIN { exit !(free < need) }'; then
            check disk fail "$point: $(human "$free")" "$(human "$need")"
        else
            check disk pass "$point: $(human "$free")" "$(human "$need")"
        fi
    done <"$SCRATCH/devices"
}

# need_room PATH BYTES
need_room() {
    df -Pk "$(nearest_folder "$1")" 2>/dev/null | awk -v need="$2" 'NR == 2 {
        point = $6; for (i = 7; i <= NF; i++) point = point " " $i
        printf "%s\t%s\t%.0f\t%s\n", $1 ":" point, need, $4 * 1024, point
    }' >>"$SCRATCH/needs"
}

check_docker() {
    DOCKER=''
    if docker_answers; then
        DOCKER=yes
        check_version docker "$(cat "$SCRATCH/docker-version")"
    else
        check docker fail "$(format checks.none)" "$(show_amount "$(requirement docker 2)" version)"
    fi
}

check_compose() {
    if find_compose; then
        check_version compose "${COMPOSE_VERSION#v}"
    else
        check compose fail "$(format checks.none)" "$(show_amount "$(requirement compose 2)" version)"
    fi
}

# check_version ID FOUND
check_version() {
    minimum=$(requirement "$1" 2) recommended=$(requirement "$1" 3)
    [ "$1" != compose ] || [ "${minimum:--}" != - ] || minimum=2.0
    if [ "${minimum:--}" != - ] && ! at_least "$2" "$minimum"; then
        check "$1" fail "$2" "$minimum"
    elif [ "${recommended:--}" != - ] && ! at_least "$2" "$recommended"; then
        check "$1" warn "$2" "$recommended"
    else
        check "$1" pass "$2" "${minimum:--}"
    fi
}

# check_ports: what the services publish must be free, or ours already
check_ports() {
    ours=' '
    if [ "$DOCKER" = yes ]; then
        ours=" $(docker ps --filter "label=com.docker.compose.project=$PROJECT" --format '{{.Ports}}' 2>/dev/null |
            tr ',' '\n' | sed -n 's/.*:\([0-9]*\)->.*/\1/p' | tr '\n' ' ')"
    fi
    rows ports.tsv | while IFS="$TAB" read -r service _ port protocol; do
        number=$(expand "$port")
        is_number "$number" || continue
        case $ours in *" $number "*) continue ;; esac
        if port_is_taken "$number" "$protocol"; then
            check port fail "$number/$protocol ($service): $(format checks.taken)" "$(format checks.free)"
        else
            check port pass "$number/$protocol ($service): $(format checks.free)" "$(format checks.free)"
        fi
    done
}

# port_is_taken NUMBER PROTOCOL: from the kernel's tables; `ss` is not there everywhere
port_is_taken() {
    cat "$PROBE_ROOT/proc/net/$2" "$PROBE_ROOT/proc/net/${2}6" 2>/dev/null | awk -v port="$1" -v protocol="$2" '
        BEGIN { for (i = 0; i < 16; i++) digit[substr("0123456789ABCDEF", i + 1, 1)] = i }
        $1 ~ /^[0-9]+:$/ && (protocol == "udp" || $4 == "0A") {
            n = split($2, part, ":"); hex = part[n]; value = 0
            for (i = 1; i <= length(hex); i++) value = value * 16 + digit[substr(hex, i, 1)]
            if (value == port + 0) found = 1
        }
        END { exit !found }'
}

# ---- preflight/network: checks of the network

# measure_ip_forward: without it, containers reach nothing and cannot be reached from other machines
measure_ip_forward() {
    local found
    found=$(read_line /proc/sys/net/ipv4/ip_forward)
    if [ "$found" = 1 ]; then
        check pass 1 1
    elif [ -n "$DOCKER" ]; then
        check fail "${found:-$(format checks.none)}" 1
    else
        check pass "$(format checks.engine_sets "${found:-0}")" 1
    fi
}

# measure_bridge_filter: the engine loads the module; as long as it is not loaded, nothing filters bridges
measure_bridge_filter() {
    local found
    found=$(read_line /proc/sys/net/bridge/bridge-nf-call-iptables)
    case $found in
        0) check warn 0 1 ;;
        '') check pass "$(format checks.not_loaded)" 1 ;;
        *) check pass "$found" 1 ;;
    esac
}

# measure_firewalld: engines since 20.10 create their own zone; with older ones, a reload removes their rules
measure_firewalld() {
    if [ "$(within 5 firewall-cmd --state 2>/dev/null)" != running ]; then
        check pass "$(format checks.off)"
    else
        case " $(within 5 firewall-cmd --get-zones 2>/dev/null) " in
            *' docker '*) check pass "$(format checks.on), zone docker" ;;
            *) check warn "$(format checks.on)" "$(format checks.off), zone docker" ;;
        esac
    fi
}

# measure_port: published ports must be free, or already used by this application
measure_port() {
    local ours address number inode holder service='' port='' protocol='' what='' value=''
    ours=' '
    if [ -n "$DOCKER" ]; then
        ours=" $(docker ps --filter "label=com.docker.compose.project=$PROJECT" --format '{{.Ports}}' 2>/dev/null |
            tr ',' '\n' | sed -n 's/.*:\([0-9-]*\)->.*\(\/.*\)/\1 \2/p' | # adjacent ports are listed as 8443-8444
            awk '{ split($1, range, "-"); for (n = range[1]; n <= (range[2] ? range[2] : range[1]); n++) printf "%d%s ", n, $2 }')"
    fi
    rows ports.tsv >"$SCRATCH/ports"
    while read_port service address port protocol; do
        number=$(expand_port "$port")
        is_number "$number" || continue
        case "$ours $OLD_PORTS " in # ports of an adopted installation become free
            *" $number/$protocol "* | *" $number "*)
                check pass "$number/$protocol ($service): $(format checks.ours_already)" "$(format checks.free)"
                continue
                ;;
        esac
        address=$(expand_address "$address" "$port")
        inode=$(find_listener "$number" "$protocol" "$address")
        if [ -n "$inode" ]; then
            holder=$(name_holder "$inode" "$number")
            check fail "$number/$protocol ($service): $(format checks.taken "$holder")" "$(format checks.free)" "$(advise_port)"
        else
            check pass "$number/$protocol ($service): $(format checks.free)" "$(format checks.free)"
        fi
    done <"$SCRATCH/ports"
    # a service with the host's network names its ports, but publishes none: it may listen on others
    awk -F "$TAB" "$AWK_FEATURE"'$FEATURE["what"] == "host-port"' "$SCRATCH/features" >"$SCRATCH/host-ports" || lose_scratch
    while read_feature service what value; do
        inode=$(find_listener "${value%/*}" "${value#*/}" -)
        if [ -z "$inode" ]; then
            check pass "$value ($service): $(format checks.free)" "$(format checks.free)"
        elif [ -s "$SCRATCH/engine-ours" ]; then
            check pass "$value ($service): $(format checks.ours_already)" "$(format checks.free)"
        else
            check warn "$value ($service): $(format checks.taken "$(name_holder "$inode" "${value%/*}")")" "$(format checks.free)"
        fi
    done <"$SCRATCH/host-ports"
}

# advise_port: the remedy for the port of the line that was read, which is taken; with a free one, if the site can choose it
advise_port() {
    local name asked free tries
    # shellcheck disable=SC2016 # literal text
    name=$(printf '%s\n' "$port" | sed -n 's/.*${\([A-Za-z_][A-Za-z0-9_]*\).*/\1/p')
    if [ -n "$name" ] && [ -n "$(look_up variables.tsv name "$name" kind)" ]; then
        asked=$(value "$name") free=$number tries=0
        case $asked in *:*) asked=${asked%:*}: ;; *) asked='' ;; esac
        [ "$free" -ge 1024 ] || free=$((free + 7999)) # 80 becomes 8080, 443 becomes 8443
        while [ "$tries" -lt 20 ]; do
            free=$((free + 1)) tries=$((tries + 1))
            if [ "$free" -le 65535 ] && can_be_port "$name" "$asked$free" "$free/$protocol"; then
                format remedy.port_other "--set $name=$asked$free"
                return 0
            fi
        done
    fi
    format remedy.port
}

# can_be_port NAME VALUE PORT: whether PORT is free, no other port of the application, and VALUE one that the variable can have
can_be_port() {
    local objection='' port='' protocol=''
    [ -z "$(find_listener "${3%/*}" "${3#*/}" "$address")" ] || return 1
    while read_port port protocol; do
        if [ "$(expand_port "$port")/$protocol" = "$3" ]; then return 1; fi
    done <"$SCRATCH/ports"
    judge_value "$1" "$2"
    [ -z "$objection" ]
}

# find_listener NUMBER PROTOCOL ADDRESS: the inode of a conflicting socket, from the kernel's tables; `ss` is not available
# everywhere. ADDRESS is an IP address; any other value means all addresses
find_listener() {
    local table
    for table in "$2" "${2}6"; do
        [ ! -r "$PROBE_ROOT/proc/net/$table" ] || sed -n '2,$p' "$PROBE_ROOT/proc/net/$table"
    done | awk -v port="$1" -v protocol="$2" -v address="$(printf '%s' "$3" | spell_out)" "$PROGRAM_PREFLIGHT_LISTENER"
}

# name_holder INODE PORT: the process that has the socket, and the container behind a proxy process of Docker
name_holder() {
    local pid holder_name container
    # with /dev/null, ls prints head lines even for one folder
    # shellcheck disable=SC2012 # link targets are needed; `find -lname` is not available everywhere
    pid=$(ls -l /dev/null "$PROBE_ROOT"/proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[$1]" '
        /^\/.*:$/ { folder = $0 }
        $NF == socket { sub(/\/fd:$/, "", folder); sub(/.*\//, "", folder); print folder; exit }')
    if [ -z "$pid" ]; then
        format checks.someone
        return
    fi
    holder_name="$(read_line "/proc/$pid/comm") ($pid)"
    container=''
    if [ -n "$DOCKER" ]; then container=$(docker ps --filter "publish=$2" --format '{{.Names}}' 2>/dev/null | sed -n 1p); fi
    printf '%s%s' "$holder_name" "${container:+, $container}"
}

# measure_address_range: a network of the application that covers the operator's own address, a name server or another
# network of the host makes them unreachable
measure_address_range() {
    local range clash name='' subnet=''
    list_taken >"$SCRATCH/taken"
    rows networks.tsv >"$SCRATCH/networks"
    if [ ! -s "$SCRATCH/networks" ]; then
        check pass -
        return
    fi
    while read_network name subnet; do
        if [ "$subnet" != - ]; then
            range=$(expand "$subnet")
            clash=$(find_clash "$range" <"$SCRATCH/taken")
            if [ -n "$clash" ]; then
                check fail "$name $range: $(describe_clash "$clash")" "$(format checks.no_clash)"
            else
                check pass "$name $range" "$(format checks.no_clash)"
            fi
        fi
    done <"$SCRATCH/networks"
    if cut_column networks.tsv subnet <"$SCRATCH/networks" | grep -qx -e -; then measure_pools; fi
}

# measure_pools: Docker takes the first pool that no route covers; it cannot know which clients come through the default
# route
measure_pools() {
    local pools pool kind='' range='' name=''
    pools=$(info_list 'Default Address Pools' | sed -n 's/^Base: *\([0-9./]*\),.*/\1/p')
    [ -n "$pools" ] || pools='172.17.0.0/16 172.18.0.0/16 172.19.0.0/16 172.20.0.0/14 172.24.0.0/14 172.28.0.0/14 192.168.0.0/16'
    empty_file "$SCRATCH/pool-clashes"
    for pool in $pools; do
        grep -v '^route' "$SCRATCH/taken" | find_clash "$pool" all | while read_taken_range kind range name; do
            # a route of the host already keeps Docker from using that range
            grep '^route' "$SCRATCH/taken" | find_clash "$range" | grep -q . ||
                printf '%s\t%s\t%s\t%s\n' "$pool" "$kind" "$range" "$name" >>"$SCRATCH/pool-clashes"
        done
    done
    if [ -s "$SCRATCH/pool-clashes" ]; then
        read_pool_clash pool kind range name <"$SCRATCH/pool-clashes"
        check warn "$(format checks.pool "$pool"): $(describe_clash "$kind$TAB$range$TAB$name")" "$(format checks.no_clash)" "$(format remedy.pool)"
    else
        check pass "$(format checks.pools)" "$(format checks.no_clash)"
    fi
}

describe_clash() {
    local clash_kind rest
    clash_kind=${1%%"$TAB"*} rest=${1#*"$TAB"}
    case $clash_kind in
        ssh) format checks.clash_ssh "${rest%%"$TAB"*}" ;;
        dns) format checks.clash_dns "${rest%%"$TAB"*}" ;;
        *) format checks.clash_route "${rest%%"$TAB"*}" "${rest#*"$TAB"}" ;;
    esac
}

# list_taken: kind, range, name of addresses that must not be covered: the operator, the name servers, the host's routes
list_taken() {
    local operator mine
    operator=$(find_operator)
    [ -z "$operator" ] || printf 'ssh\t%s/32\t-\n' "$operator"
    name_servers | awk 'split($1, p, ".") == 4 && p[1] != 127 { printf "dns\t%s/32\t-\n", $1 }'
    mine=' '
    if [ -n "$DOCKER" ]; then
        mine=" $(docker network ls -q --filter "label=com.docker.compose.project=$PROJECT" 2>/dev/null | sed 's/^/br-/' | tr '\n' ' ')"
    fi
    awk -v mine="$mine" "$PROGRAM_PREFLIGHT_ROUTES" "$PROBE_ROOT/proc/net/route" 2>/dev/null
}

# find_operator: the address of the operator's SSH connection; sudo removes the variable, but a parent process still has it
find_operator() {
    local found_from pid
    found_from=${SSH_CONNECTION:-}
    pid=$PPID
    for _ in 1 2 3 4 5 6 7 8; do
        [ -z "$found_from" ] || break
        case $pid in '' | 0 | 1) break ;; esac
        found_from=$(tr '\000' '\n' 2>/dev/null <"/proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
        pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status" 2>/dev/null)
    done
    case ${found_from%% *} in *:* | '' | *[!0-9.]*) ;; *) printf '%s\n' "${found_from%% *}" ;; esac
}

# find_clash RANGE [all]: standard input has kind, range, name; print the first line (or all) whose range overlaps RANGE
find_clash() {
    awk -F "$TAB" -v range="$1" -v all="${2:-}" "$AWK_TAKEN_RANGE$PROGRAM_PREFLIGHT_CLASH"
}

name_servers() { sed -n 's/^nameserver[[:space:]]*\([^[:space:]]*\).*/\1/p' "$PROBE_ROOT/etc/resolv.conf" 2>/dev/null; }

# measure_dns: resolve this server's own name as programs do; no other name is queried
#
# The query may go to the site's name server, so it is made only for the command `preflight`: an installation sends nothing.
measure_dns() {
    local own begun code took
    [ "$COMMAND" = preflight ] || return 0
    if [ -z "$(name_servers)" ]; then
        check warn "$(format checks.no_name_server)" - "$(format remedy.dns_none)"
        return
    fi
    if ! can_probe getent; then
        check warn "$(format checks.unknown)" "<= $recommended s"
        return
    fi
    own=$(probe hostname 2>/dev/null)
    begun=$(centiseconds)
    within 5 getent ahosts "${own:-localhost}" >/dev/null 2>&1
    code=$?
    took=$(awk -v a="$begun" -v b="$(centiseconds)" 'BEGIN { printf "%.1f", (b - a) / 100 }')
    if [ "$code" = 124 ]; then
        check warn "$(format checks.hangs)" "<= $recommended s"
    elif below "$recommended" "$took"; then
        check warn "$took s" "<= $recommended s"
    else
        check pass "$took s" "<= $recommended s"
    fi
}

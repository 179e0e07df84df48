# ---- preflight/limits: limits and kernel settings of services that this server cannot give

# measure_cpu_limit: the engine refuses more processors than it has; see docs/reference/preflight.md
measure_cpu_limit() {
    local have_cpus online shown most service='' what='' value=''
    select_features cpus cpuset || return 0
    most=0
    online=$(read_line /sys/devices/system/cpu/online)
    have_cpus=$(info_field CPUs)
    is_number "$have_cpus" || have_cpus=$(count_list "$online")
    while read_feature service what value; do
        shown=$(name_feature "$service" "$what $value")
        if [ "$have_cpus" = 0 ]; then
            check warn "$shown: $(format checks.unknown)"
        elif [ "$what" = cpus ] && below "$have_cpus" "$value"; then
            check fail "$shown" "<= $have_cpus"
        elif [ "$what" = cpuset ] && ! covers_list "${online:-0-$((have_cpus - 1))}" "$value"; then
            check fail "$shown" "${online:-$have_cpus}"
        elif [ "$what" = cpuset ]; then
            check pass "$shown" "$online"
        elif below "$most" "$value"; then
            most=$value
        fi
    done <"$SCRATCH/selected"
    [ "$most" = 0 ] || check pass "cpus <= $most" "<= $have_cpus" # one line for all that the server can give
}

# covers_list LIST OTHER: whether each number of OTHER, such as `0-3,8`, is in LIST
covers_list() { awk -v all="$1" -v asked="$2" "$PROGRAM_PREFLIGHT_COVERS"; }

# measure_memory_limit: the engine refuses less than 6 MiB; more than the server has limits nothing
measure_memory_limit() {
    local amount total shown most service='' what='' value=''
    select_features memory memory-limit || return 0
    most=0
    total=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' "$PROBE_ROOT/proc/meminfo" 2>/dev/null)
    while read_feature service what value; do
        amount=$(count_units "$value")
        shown=$(name_feature "$service" "$value")
        if [ -z "$amount" ]; then
            check warn "$shown: $(format checks.unknown)"
        elif [ "$what" = memory-limit ] && [ "$amount" != 0 ] && below "$amount" 6291456; then
            check fail "$shown" '>= 6m' "$(format remedy.memory_small)"
        elif is_number "$total" && below "$total" "$amount"; then
            check warn "$shown" "<= $(human "$total")"
        elif below "$most" "$amount"; then
            most=$amount
        fi
    done <"$SCRATCH/selected"
    [ "$most" = 0 ] || check pass "<= $(human "$most")" "<= $(human "${total:-0}")"
}

# count_units TEXT: bytes of `512m`, `1.5gb` or `1GiB`, by powers of 1024, as Compose counts; nothing for another form
count_units() { printf '%s\n' "$1" | awk "$PROGRAM_PREFLIGHT_UNITS"; }

# measure_ulimit: nobody can raise the open files above fs.nr_open, nor a rootless engine any limit above its own
measure_ulimit() {
    local most name shown service='' value=''
    select_features ulimit || return 0
    while read_feature service value; do
        name=${value%%=*} shown=$(name_feature "$service" "$value")
        most=$(find_most "$name")
        value=${value#*=}
        [ "$value" != unlimited ] || value=-1
        if [ -z "$most" ]; then
            check pass "$shown"
        elif [ "$value" = -1 ] || below "$most" "$value"; then
            check fail "$shown" "<= $most" "$(format "remedy.ulimit$([ "$name" = nofile ] || printf _user)" "$value")"
        else
            check pass "$shown" "<= $most"
        fi
    done <"$SCRATCH/selected"
}

# find_most NAME: the highest hard limit that a container can have here; nothing if there is none
find_most() {
    local title found
    found=''
    [ "$1" != nofile ] || found=$(read_line /proc/sys/fs/nr_open)
    if is_rootless; then
        case $1 in
            nofile) title='Max open files' ;;
            nproc) title='Max processes' ;;
            memlock) title='Max locked memory' ;;
            core) title='Max core file size' ;;
            *) title='' ;;
        esac
        # the engine of a user has the limits of its session, as this process does
        [ -z "$title" ] || found=$(sed -n "s/^$title  *[^ ][^ ]*  *\([^ ][^ ]*\).*/\1/p" "$PROBE_ROOT/proc/self/limits" 2>/dev/null)
    fi
    is_number "$found" || found=''
    printf '%s' "$found"
}

# measure_service_sysctl: settings that a container can have for itself, and that this kernel knows
#
# runc refuses all others: libcontainer/configs/validate/validator.go, commit 669f4db.
measure_service_sysctl() {
    local shown path service='' what='' value=''
    select_features sysctl host-sysctl || return 0
    while read_feature service what value; do
        shown=$(name_feature "$service" "$value")
        path=$PROBE_ROOT/proc/sys/$(printf '%s' "$value" | tr ./ /.)
        case $value in net/* | kernel/* | fs/*) path=$PROBE_ROOT/proc/sys/$value ;; esac
        case $what:$value in
            host-sysctl:net[./]*)
                check fail "$shown: $(format checks.host_network)" "$(format checks.namespaced)" "$(format remedy.sysctl_host "$value")"
                ;;
            *..* | *:*[!A-Za-z0-9_./-]*) check fail "$shown" "$(format checks.namespaced)" ;;
            *:kernel.msgmax | *:kernel.msgmnb | *:kernel.msgmni | *:kernel.sem | *:kernel.shmall | *:kernel.shmmax | *:kernel.shmmni | \
                *:kernel.shm_rmid_forced | *:kernel.domainname | *:fs.mqueue.* | *:net[./]*)
                if [ -e "$path" ]; then
                    check pass "$shown" "$(format checks.namespaced)"
                else
                    check fail "$shown: $(format checks.unknown_setting)" "$(format checks.namespaced)" "$(format remedy.sysctl_unknown)"
                fi
                ;;
            *) check fail "$shown: $(format checks.whole_host)" "$(format checks.namespaced)" ;;
        esac
    done <"$SCRATCH/selected"
}

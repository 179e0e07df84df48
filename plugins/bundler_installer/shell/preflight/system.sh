# ---- preflight/system: checks of the operating system

measure_tools() {
    local lacking advised
    lacking=$(lacking_tools "$required")
    advised=$(lacking_tools "${recommended#-}")
    if [ -n "$lacking" ]; then
        check fail "$(format checks.lacking "$lacking")" "$required"
    elif [ -n "$advised" ]; then
        check warn "$(format checks.lacking "$advised")" "$required $recommended"
    else
        check pass "$(format checks.complete)" "$required"
    fi
}

lacking_tools() {
    local tool
    set -- "$1" ''
    for tool in $1; do can_probe "$tool" || set -- "$1" "$2 $tool"; done
    printf '%s' "${2# }"
}

measure_user() {
    local found
    found=$(probe id -u)
    if [ "$found" = 0 ]; then check pass root root; else check warn "uid $found" root; fi
}

measure_kernel() { check_version "$(probe uname -r)"; }

# measure_cgroup: version 2 requires an engine of 20.10; limits in the Compose file have no effect without their controllers
measure_cgroup() {
    local found lacking controllers each
    found='' lacking=''
    if [ -f "$PROBE_ROOT/sys/fs/cgroup/cgroup.controllers" ]; then
        found=2
        controllers=" $(read_line /sys/fs/cgroup/cgroup.controllers) "
        for each in cpu memory pids; do
            case $controllers in *" $each "*) ;; *) lacking="$lacking $each" ;; esac
        done
    elif [ -d "$PROBE_ROOT/sys/fs/cgroup/memory" ] || [ -d "$PROBE_ROOT/sys/fs/cgroup/systemd" ]; then
        found=1
        for each in cpu memory pids; do [ -d "$PROBE_ROOT/sys/fs/cgroup/$each" ] || lacking="$lacking $each"; done
    else
        found=$(info_field 'Cgroup Version') # not mounted here, but it may be where the engine runs
    fi
    if [ -z "$found" ] && [ -d "$PROBE_ROOT/sys/fs" ]; then
        check fail "$(format checks.none)" '1, 2'
    elif [ -z "$found" ]; then
        check warn "$(format checks.unknown)" '1, 2'
    elif [ "$found" = 2 ] && [ -n "$DOCKER" ] && [ "$ENGINE" = docker ] && ! at_least "$ENGINE_VERSION" 20.10; then
        check fail "2, Docker $ENGINE_VERSION" 'Docker 20.10'
    elif [ -n "$lacking" ]; then
        check warn "$found: $(format checks.lacking "${lacking# }")" 'cpu memory pids'
    else
        check pass "$found" '1, 2'
    fi
}

measure_overlay() {
    if grep -q '[[:space:]]overlay$' "$PROBE_ROOT/proc/filesystems" 2>/dev/null; then
        check pass "$(format checks.yes)" "$(format checks.yes)"
    elif probe modprobe -n overlay >/dev/null 2>&1; then
        check pass "$(format checks.loadable)" "$(format checks.yes)"
    elif [ -n "$DOCKER" ]; then
        check warn "$(format checks.no)" "$(format checks.yes)"
    else
        check fail "$(format checks.no)" "$(format checks.yes)"
    fi
}

# measure_selinux: if the engine labels containers, they cannot read a bind mount without a label
measure_selinux() {
    case $(read_line /sys/fs/selinux/enforce) in
        1)
            if grep -q 'name=selinux\|^ *selinux$' "$SCRATCH/engine-info" 2>/dev/null; then
                check warn "$(format checks.enforcing_labels)" - "$(format remedy.selinux "$ROOT/data" "$ROOT/releases")"
            else
                check pass "$(format checks.enforcing)"
            fi
            ;;
        0) check pass "$(format checks.permissive)" ;;
        *) check pass "$(format checks.off)" ;;
    esac
}

# measure_container: paths given to the engine are paths of the host, not of this container
measure_container() {
    local inside
    inside=''
    if [ -f "$PROBE_ROOT/.dockerenv" ]; then
        inside=docker
    elif [ -f "$PROBE_ROOT/run/.containerenv" ]; then
        inside=podman
    elif [ -f "$PROBE_ROOT/run/systemd/container" ]; then
        inside=$(read_line /run/systemd/container)
    elif [ -r "$PROBE_ROOT/proc/1/environ" ]; then
        inside=$(tr '\000' '\n' 2>/dev/null <"$PROBE_ROOT/proc/1/environ" | sed -n 's/^container=//p' | sed -n 1p)
    fi
    if [ -n "$inside" ]; then check warn "$inside" "$(format checks.no)"; else check pass "$(format checks.no)" "$(format checks.no)"; fi
}

# measure_clock: a wrong clock makes certificates and sessions invalid
measure_clock() {
    local now built shown oldest
    now=$(probe date +%s)
    built=$(number_fact created)
    shown=$(show_time "${now:-0}")
    oldest=$(show_time "$built")
    if [ "${now:-0}" -lt $((built - 86400)) ]; then
        check fail "$shown" ">= $oldest"
    elif [ "$now" -lt "$built" ]; then
        check warn "$shown" ">= $oldest"
    elif [ "$now" -gt $((built + 315360000)) ]; then # ten years
        check warn "$shown" "$oldest + 10"
    else
        check pass "$shown" ">= $oldest"
    fi
}

# measure_clock_sync: the state reported by the running daemon; no time server is asked over the network
measure_clock_sync() {
    local found said
    found=unknown
    if [ -f "$PROBE_ROOT/run/systemd/timesync/synchronized" ]; then
        found=yes
    else
        said=$(within 5 timedatectl show -p NTPSynchronized 2>/dev/null)
        case $said in *=yes) found=yes ;; *=no) found=no ;; esac
        if [ "$found" != yes ] && can_probe chronyc; then
            case $(within 5 chronyc -n tracking 2>/dev/null) in
                *'Leap status     : Normal'*) found=yes ;;
                *'Not synchronised'*) found=no ;;
            esac
        fi
        if [ "$found" != yes ] && can_probe ntpstat; then
            if within 5 ntpstat >/dev/null 2>&1; then found=yes; else found=no; fi
        fi
    fi
    case $found in
        yes) check pass "$(format checks.yes)" "$(format checks.yes)" ;;
        no) check warn "$(format checks.no)" "$(format checks.yes)" ;;
        *) check warn "$(format checks.unknown)" "$(format checks.yes)" ;;
    esac
}

# measure_sysctl: the setting named by `parameter`
measure_sysctl() {
    local found wanted advice shown result
    case $parameter in '' | *[!a-z0-9_.]* | *..*) refuse_table "$parameter" ;; esac
    found=$(read_line "/proc/sys/$(printf '%s' "$parameter" | tr . /)")
    wanted=$required
    [ "$wanted" != - ] || wanted=$recommended
    advice=$(format remedy.sysctl "$parameter" "$wanted" "$parameter" "$wanted")
    shown="$parameter = ${found:-$(format checks.none)}"
    result=pass
    if [ "$required" != - ] && ! setting_suffices "$required"; then
        result=fail
    elif [ "$recommended" != - ] && ! setting_suffices "$recommended"; then
        result=warn wanted=$recommended
        advice=$(format remedy.sysctl "$parameter" "$wanted" "$parameter" "$wanted")
    fi
    check "$result" "$shown" "$wanted" "$advice"
}

# setting_suffices WANTED: whether `found` is enough
setting_suffices() {
    case $found in '' | *[!0-9]*) return 1 ;; esac
    case $parameter in
        vm.overcommit_memory) [ "$found" = "$1" ] ;; # a mode, not an amount: 2 is not more than 1
        *) ! below "$found" "$1" ;;
    esac
}

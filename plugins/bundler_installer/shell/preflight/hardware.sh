# ---- preflight/hardware: checks of the hardware

measure_platform() {
    local found
    found=$(name_machine)
    if [ "$found" = "$required" ]; then check pass "$found" "$required"; else check fail "$found" "$required"; fi
}

# measure_userland: a 64-bit kernel with 32-bit programs leads to images for the wrong processor
measure_userland() {
    local found wanted result
    case $(head -c 5 "$PROBE_ROOT/bin/sh" 2>/dev/null | tail -c 1 | tr '\001\002' '12') in
        1) found=32 ;;
        2) found=64 ;;
        *)
            check warn "$(format checks.unknown)" "$(format checks.bits 64)"
            return
            ;;
    esac
    case $(fact arch) in 386 | arm | mips | mipsle) wanted=32 ;; *) wanted=64 ;; esac
    result=pass
    [ "$found" -ge "$wanted" ] || result=fail
    check "$result" "$(format checks.bits "$found")" "$(format checks.bits "$wanted")"
}

# measure_cpu: the minimum of the processors online, those this process may run on, and the group's quota
measure_cpu() {
    local online allowed quota usable shown
    online=$(count_list "$(read_line /sys/devices/system/cpu/online)")
    [ "$online" -gt 0 ] || online=$(grep -c '^processor' "$PROBE_ROOT/proc/cpuinfo" 2>/dev/null)
    allowed=$(count_list "$(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' "$PROBE_ROOT/proc/self/status" 2>/dev/null)")
    [ "$allowed" -gt 0 ] || allowed=$online
    quota=$(find_quota)
    usable=$(awk -v a="$online" -v b="$allowed" -v c="${quota:-$online}" \
        'BEGIN { m = a; if (b < m) m = b; if (c < m) m = c; printf "%.4g", m }')
    shown=$usable
    if below "$usable" "$online"; then shown=$(format checks.cores "$usable" "$online" "$allowed" "${quota:--}"); fi
    check_amount "$usable" "$shown" ''
}

# count_list LIST: how many numbers a list such as `0-3,8` contains
count_list() {
    printf '%s' "$1" | tr ',' '\n' | awk -F - '
        /^[0-9]+$/ { n++ }
        /^[0-9]+-[0-9]+$/ { n += $2 - $1 + 1 }
        END { print n + 0 }'
}

# find_quota: the lowest CPU quota of this process's control groups, in cores; nothing if there is none
find_quota() {
    local groups each
    groups=$PROBE_ROOT/sys/fs/cgroup
    {
        walk_groups "$groups" "$(group_of '')" cpu.max
        for each in cpu cpu,cpuacct; do
            [ ! -d "$groups/$each" ] || walk_groups "$groups/$each" "$(group_of cpu)" cpu.cfs_quota_us
        done
    } | awk '
        $1 ~ /^[0-9]+$/ && $2 > 0 { cores = $1 / $2; if (!found || cores < least) least = cores; found = 1 }
        END { if (found) printf "%.4g", least }'
}

# group_of CONTROLLER: this process's path in that hierarchy of /proc/self/cgroup; '' means version 2
group_of() {
    awk -F : -v wanted="$1" '
        { n = split($2, names, ","); for (i = 1; i <= n; i++) if (names[i] == wanted) { print $3; exit } }
        wanted == "" && $1 == "0" && $2 == "" { print $3; exit }' "$PROBE_ROOT/proc/self/cgroup" 2>/dev/null
}

# walk_groups MOUNT PATH FILE: quota and period of the group and of all groups above it
walk_groups() {
    local below_mount
    below_mount=${2%/}
    while :; do
        if [ -f "$1$below_mount/$3" ]; then
            case $3 in
                cpu.max) sed -n 1p "$1$below_mount/$3" ;;
                *) printf '%s %s\n' "$(sed -n 1p "$1$below_mount/$3")" "$(sed -n 1p "$1$below_mount/cpu.cfs_period_us" 2>/dev/null)" ;;
            esac
        fi
        [ -n "$below_mount" ] || break
        below_mount=${below_mount%/*}
    done
}

measure_cpu_flags() {
    local flags lacking
    flags=" $(sed -n 's/^\(flags\|Features\)[^:]*: *//p' "$PROBE_ROOT/proc/cpuinfo" 2>/dev/null | sed -n 1p) "
    [ "$flags" != '  ' ] || flags=" $(awk -F ': *' '/^(flags|Features)/ { print $2; exit }' "$PROBE_ROOT/proc/cpuinfo" 2>/dev/null) "
    lacking=$(lacking_flags "$required")
    if [ -n "$lacking" ]; then
        check fail "$(format checks.lacking "$lacking")" "$required"
        return
    fi
    lacking=$(lacking_flags "$recommended")
    if [ -n "$lacking" ]; then
        check warn "$(format checks.lacking "$lacking")" "$recommended"
    else
        check pass "$(format checks.complete)" "$required"
    fi
}

lacking_flags() {
    local comma flag
    [ "$1" != - ] || return 0
    comma=''
    for flag in $1; do
        case $flags in *" $flag "*) ;; *) printf '%s%s' "$comma" "$flag"; comma=' ' ;; esac
    done
}

# measure_page_size: programs built for pages of 4 KiB (for example, jemalloc in Redis) do not start with pages of 64 KiB
measure_page_size() {
    local found
    found=$(awk '/^KernelPageSize:/ { print $2 * 1024; exit }' "$PROBE_ROOT/proc/self/smaps" 2>/dev/null)
    if [ -z "$found" ]; then
        check warn "$(format checks.unknown)" "$recommended"
    elif [ "$found" = "$recommended" ]; then
        check pass "$found" "$recommended"
    else
        check warn "$found" "$recommended"
    fi
}

memory_field() { awk -v field="$1:" '$1 == field { printf "%.0f", $2 * 1024; exit }' "$PROBE_ROOT/proc/meminfo" 2>/dev/null; }

# measure_memory: firmware reserves up to a twelfth of the installed memory, and a crash kernel its own share
measure_memory() {
    local bytes crash bought shown
    bytes=$(memory_field MemTotal)
    crash=$(read_line /sys/kernel/kexec_crash_size)
    bought=$(awk -v b="${bytes:-0}" -v c="${crash:-0}" 'BEGIN { printf "%.0f", (b + c) / 0.92 }')
    shown=$(human "${bytes:-0}")
    if below 0 "${crash:-0}"; then shown=$(format checks.crash "$shown" "$(human "$crash")"); fi
    check_amount "$bought" "$shown" bytes
}

measure_memory_available() {
    local bytes
    bytes=$(memory_field MemAvailable)
    [ -n "$bytes" ] || bytes=$(awk '/^(MemFree|Buffers|Cached):/ { sum += $2 } END { printf "%.0f", sum * 1024 }' "$PROBE_ROOT/proc/meminfo" 2>/dev/null)
    if [ -s "$SCRATCH/engine-ours" ]; then # the memory that is taken is the application's own
        check pass "$(format checks.ours "$(human "$bytes")")" "$(show_amount "$recommended" bytes)"
    else
        check_amount "$bytes" "$(human "$bytes")" bytes
    fi
}

measure_swap() {
    local bytes free used shown
    bytes=$(memory_field SwapTotal)
    free=$(memory_field SwapFree)
    used=$(awk -v a="${bytes:-0}" -v b="${free:-0}" 'BEGIN { printf "%.0f", a - b }')
    shown=$(format checks.swap "$(human "${bytes:-0}")" "$(human "$used")")
    if awk -v a="${bytes:-0}" -v u="$used" 'BEGIN { exit !(a > 0 && u > a / 2) }'; then
        check warn "$shown" "$(show_amount "$required" bytes)" "$(format remedy.swap_used)"
    else
        check_amount "${bytes:-0}" "$shown" bytes
    fi
}

# ---- preflight/options: options of services that depend on how the engine and the kernel are set up

# measure_rights: an engine without root, or one that maps users, cannot give all rights
measure_rights() {
    local shown service='' value=''
    select_features rights || return 0
    while read_feature service value; do
        shown=$(name_feature "$service" "$value")
        if is_rootless; then
            check warn "$shown: rootless" root
        elif [ "$value" = privileged ] && remaps_users && ! keeps_users "$service"; then
            check fail "$shown: userns-remap" root "$(format remedy.rights_userns)"
        else
            check pass "$shown" root
        fi
    done <"$SCRATCH/selected"
}

# keeps_users SERVICE: whether the service has `userns_mode: host`
keeps_users() { grep -qxF -e "$1${TAB}userns${TAB}host" "$SCRATCH/features"; }

# measure_engine_option: what Linux or this engine does not have
measure_engine_option() {
    local shown service='' what='' value=''
    select_features isolation userns cgroup-parent storage-size apparmor host-gateway || return 0
    while read_feature service what value; do
        shown="$(name_feature "$service" "$what $value")"
        case $what in
            isolation) case $value in default) check pass "$shown" default ;; *) check fail "$shown" default "$(format remedy.isolation)" ;; esac ;;
            userns) case $value in host) check pass "$shown" host ;; *) check fail "$shown" host "$(format remedy.userns)" ;; esac ;;
            cgroup-parent) judge_slice ;;
            storage-size) judge_quota ;;
            apparmor) judge_profile ;;
            host-gateway) judge_gateway ;;
        esac
    done <"$SCRATCH/selected"
}

# judge_slice: with systemd, groups are slices: daemon/daemon_unix.go of moby, commit 0e8eea5
judge_slice() {
    case $(info_field 'Cgroup Driver'):$value in
        systemd:?*.slice | [!s]*:* | :*) check pass "$shown" ;;
        *) check fail "$shown" NAME.slice "$(format remedy.cgroup_parent)" ;;
    esac
}

# judge_quota: overlay2 limits the size of containers only on XFS with project quotas
judge_quota() {
    case $(info_field 'Storage Driver'):$(info_field 'Backing Filesystem') in
        overlay2:xfs)
            if find_mount_options "$ENGINE_ROOT" | grep -q 'pquota\|prjquota'; then
                check pass "$shown" 'xfs, pquota'
            else
                check fail "$shown: xfs" 'xfs, pquota' "$(format remedy.quota)"
            fi
            ;;
        btrfs:* | zfs:*) check pass "$shown" ;;
        :*) check warn "$shown: $(format checks.no_engine)" 'xfs, pquota' "$(format remedy.quota)" ;;
        *) check fail "$shown: $(info_field 'Storage Driver'), $(info_field 'Backing Filesystem')" 'xfs, pquota' "$(format remedy.quota)" ;;
    esac
}

# find_mount_options FOLDER: of the file system that it is on
find_mount_options() {
    awk -v folder="$1/" '
        { point = $2; if (point !~ /\/$/) point = point "/" }
        index(folder, point) == 1 && length(point) >= longest { longest = length(point); options = $4 }
        END { print options }' "$PROBE_ROOT/proc/mounts" 2>/dev/null
}

# judge_profile: the kernel must have loaded the profile; without AppArmor, engines ignore the option
judge_profile() {
    local loaded
    loaded=$PROBE_ROOT/sys/kernel/security/apparmor/profiles
    case $value in
        unconfined | docker-default)
            check pass "$shown"
            return
            ;;
    esac
    if [ "$(read_line /sys/module/apparmor/parameters/enabled)" != Y ]; then
        check warn "$shown: AppArmor $(format checks.off)" "$(format checks.exists)" "$(format remedy.apparmor_off)"
    elif [ ! -r "$loaded" ]; then
        check warn "$shown: $(format checks.unknown)" "$(format checks.exists)" "$(format remedy.apparmor)"
    elif grep -qF -e "$value (" "$loaded"; then
        check pass "$shown" "$(format checks.exists)"
    else
        check fail "$shown: $(format checks.none)" "$(format checks.exists)" "$(format remedy.apparmor)"
    fi
}

# judge_gateway: engines know the name host-gateway from 20.10, Podman from 4.7
judge_gateway() {
    local oldest
    oldest=20.10
    [ "$ENGINE" != podman ] || oldest=4.7
    if [ -z "$DOCKER" ] || at_least "$ENGINE_VERSION" "$oldest"; then
        check pass "$shown" "$oldest"
    else
        check fail "$shown: $ENGINE_VERSION" "$oldest" "$(format remedy.host_gateway)"
    fi
}

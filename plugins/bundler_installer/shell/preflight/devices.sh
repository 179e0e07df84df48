# ---- preflight/devices: devices, GPUs, runtimes, paths and processors of this server that services use

# measure_device: device nodes, and devices of the Container Device Interface
measure_device() {
    local shown service='' what='' value=''
    select_features device cdi || return 0
    while read_feature service what value; do
        shown=$(name_feature "$service" "$value")
        if [ "$what" = device ] && is_device "$PROBE_ROOT$value"; then
            check pass "$shown" "$(format checks.exists)"
        elif [ "$what" = device ] && [ -e "$PROBE_ROOT$value" ]; then
            check fail "$shown: $(format checks.no_device)" "$(format checks.exists)"
        elif [ "$what" = cdi ] && grep -qsF -e "${value%%=*}" "$PROBE_ROOT"/etc/cdi/* "$PROBE_ROOT"/var/run/cdi/* "$PROBE_ROOT"/run/cdi/*; then
            check pass "$shown" "$(format checks.exists)"
        elif [ "$what" = cdi ]; then
            check fail "$shown: $(format checks.none)" "$(format checks.exists)" "$(format remedy.cdi)"
        else
            check fail "$shown: $(format checks.none)" "$(format checks.exists)"
        fi
    done <"$SCRATCH/selected"
}

# is_device PATH: a node, or a folder: the engine takes all nodes in it
is_device() { [ -c "$1" ] || [ -b "$1" ] || [ -d "$1" ]; }

# measure_gpu: the engine has the driver `nvidia` if it finds its hook: daemon/nvidia_linux.go of moby, commit 5c48736
measure_gpu() {
    local driver count here shown service='' value=''
    select_features gpu || return 0
    here=$(find "$PROBE_ROOT/proc/driver/nvidia/gpus" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l | tr -d ' ')
    while read_feature service value; do
        driver=${value%%=*} count=${value#*=}
        shown=$(name_feature "$service" "$driver $count")
        if [ "$driver" != nvidia ]; then
            check warn "$shown: $(format checks.unknown)" "$(format checks.exists)"
        elif ! can_probe nvidia-container-runtime-hook && ! names_runtime nvidia; then
            check fail "$shown: $(format checks.no_toolkit)" "$(format checks.exists)"
        elif [ ! -e "$PROBE_ROOT/dev/nvidiactl" ] && [ ! -e "$PROBE_ROOT/dev/dxg" ] && [ "$here" = 0 ]; then
            check fail "$shown: $(format checks.no_gpu)" "$(format checks.exists)" "$(format remedy.gpu_driver)"
        elif is_number "$count" && [ "$here" -gt 0 ] && [ "$count" -gt "$here" ]; then
            check fail "$shown: $here" ">= $count" "$(format remedy.gpu_count)"
        else
            check pass "$shown" "$(format checks.exists)"
        fi
    done <"$SCRATCH/selected"
}

# names_runtime NAME: whether the engine lists this runtime
names_runtime() { case " $(info_field Runtimes) " in *" $1 "*) ;; *) return 1 ;; esac; }

# measure_runtime: a runtime of the engine's settings, or a shim of containerd (io.containerd.NAME.VERSION) on this server
measure_runtime() {
    local shim shown service='' value=''
    select_features runtime || return 0
    while read_feature service value; do
        shown=$(name_feature "$service" "$value")
        shim=''
        case $value in io.containerd.*.v*) shim=containerd-shim-$(printf '%s' "${value#io.containerd.}" | tr . -) ;; esac
        if [ "$value" = runc ] || names_runtime "$value" || { [ -n "$shim" ] && can_probe "$shim"; }; then
            check pass "$shown" "$(format checks.exists)"
        elif [ -n "$(info_field Runtimes)" ]; then
            check fail "$shown: $(format checks.none)" "$(info_field Runtimes)"
        else
            check warn "$shown: $(format checks.no_engine)" "$(format checks.exists)"
        fi
    done <"$SCRATCH/selected"
}

# measure_host_path: the engine makes an empty folder where a path is missing, and the service starts without its file
measure_host_path() {
    local wanted shown='' service='' what='' value=''
    select_features path file folder socket || return 0
    while read_feature service what value; do
        case $value in
            /*) ;;
            \~ | \~/*) value=$HOME${value#\~} ;;
            *) continue ;; # the name of a volume
        esac
        shown=$(name_feature "$service" "$value") wanted=$(format "object.$what")
        if [ ! -e "$PROBE_ROOT$value" ]; then
            check fail "$shown: $(format checks.none)" "$wanted" "$(format "remedy.path_$what" "$value")"
        elif fits_kind "$PROBE_ROOT$value"; then
            check pass "$shown" "$wanted"
        elif [ "$what" = file ] && [ -d "$PROBE_ROOT$value" ]; then
            check fail "$shown: $(format object.folder)" "$wanted" "$(format remedy.path_was_made "$value")"
        else
            check fail "$shown: $(format checks.wrong_kind)" "$wanted"
        fi
    done <"$SCRATCH/selected"
    [ -n "$shown" ] || check pass -
}

# fits_kind PATH: whether it is what the line that was read asks for
fits_kind() {
    case $what in
        file) [ ! -d "$1" ] ;;
        folder) [ -d "$1" ] ;;
        socket) [ -S "$1" ] ;;
    esac
}

# measure_service_platform: programs for another processor need an emulator of the kernel
measure_service_platform() {
    local machine emulator shown service='' value=''
    select_features platform || return 0
    while read_feature service value; do
        machine=${value#*/} machine=${machine%%/*}
        shown=$(name_feature "$service" "$value")
        case $machine in
            amd64) emulator=x86_64 ;;
            386) emulator=i386 ;;
            arm64) emulator=aarch64 ;;
            loong64) emulator=loongarch64 ;;
            *) emulator=$machine ;;
        esac
        case $(fact arch):$machine in
            "$machine:$machine" | amd64:386 | arm64:arm) check pass "$shown" "$(fact arch)" ;;
            *)
                if grep -qsx enabled "$PROBE_ROOT/proc/sys/fs/binfmt_misc/qemu-$emulator"; then
                    check pass "$shown: qemu-$emulator" "qemu-$emulator"
                else
                    check fail "$shown: $(format checks.no_emulator)" "qemu-$emulator"
                fi
                ;;
        esac
    done <"$SCRATCH/selected"
}

# ---- preflight/storage: checks of disks and file systems

# measure_disk: add up what is stored on each device, then compare the sums with the free space
measure_disk() {
    local data more release_bytes streamed loading point='' bytes='' free=''
    data=$required more=$recommended
    is_number "$data" || data=0
    is_number "$more" || more=$data
    release_bytes=$(awk -v a="$(number_fact bundle_bytes)" -v b="$(number_fact images_bytes)" -v c="$(engine_parts bytes)" \
        'BEGIN { d = a - b - c; printf "%.0f", (d > 0 ? d : 0) + 50000000 }')
    # loading unpacks the archive beside the images, so both need space at the same time
    streamed=$(number_fact images_bytes)
    if is_compact; then streamed=$(number_fact unpacked_bytes); fi
    loading=$(awk -v a="$streamed" -v b="$(number_fact unpacked_bytes)" 'BEGIN { printf "%.0f", a + b }')
    if [ -n "$DOCKER" ] && images_are_there; then loading=0; fi
    empty_file "$SCRATCH/needs"
    need_room "$ROOT/data" "$data" "$more"
    need_room "$ROOT" "$release_bytes" "$release_bytes"
    need_room "$IMAGE_ROOT" "$loading" "$loading"
    if [ "$LACKING" = whole ] && [ -n "$INSTALL_ENGINE" ]; then need_room /usr/local "$(engine_parts room)" "$(engine_parts room)"; fi
    awk -F "$TAB" "$AWK_NEED"'
        {
            d = $NEED["device"]
            bytes[d] += $NEED["bytes"]; more[d] += $NEED["more"]; free[d] = $NEED["free"]; point[d] = $NEED["point"]
        }
        END { for (d in bytes) printf "%s\t%.0f\t%.0f\t%.0f\n", point[d], bytes[d], more[d], free[d] }' "$SCRATCH/needs" |
        sort >"$SCRATCH/devices"
    [ -s "$SCRATCH/devices" ] || check warn "$(format checks.unknown)"
    while read_device point bytes more free; do
        if below "$free" "$bytes"; then
            check fail "$point: $(human "$free")" "$(human "$bytes")"
        elif below "$free" "$more"; then
            check warn "$point: $(human "$free")" "$(human "$more")"
        else
            check pass "$point: $(human "$free")" "$(human "$bytes")"
        fi
    done <"$SCRATCH/devices"
}

# need_room PATH BYTES RECOMMENDED
need_room() {
    probe df -Pk "$(nearest_folder "$1")" 2>/dev/null | awk -v need="$2" -v more="$3" 'NR == 2 {
        point = $6; for (i = 7; i <= NF; i++) point = point " " $i
        printf "%s\t%.0f\t%.0f\t%.0f\t%s\n", $1 ":" point, need, more, $4 * 1024, point
    }' >>"$SCRATCH/needs"
}

# measure_inodes: many small files can use up the inodes of a file system long before its bytes
measure_inodes() {
    local wanted folder total='' free='' point=''
    wanted=$required
    if [ -n "$DOCKER" ] && images_are_there; then wanted=10000; fi
    empty_file "$SCRATCH/inodes"
    for folder in "$ROOT" "$ENGINE_ROOT"; do
        probe df -Pi "$(nearest_folder "$folder")" 2>/dev/null | awk 'NR == 2 {
            point = $6; for (i = 7; i <= NF; i++) point = point " " $i
            printf "%s\t%s\t%s\n", $2, $4, point
        }' >>"$SCRATCH/inodes"
    done
    [ -s "$SCRATCH/inodes" ] || check warn "$(format checks.unknown)" "$wanted"
    awk -F "$TAB" "$AWK_INODES"'!($INODES["point"] in seen) { seen[$INODES["point"]]; print }' "$SCRATCH/inodes" >"$SCRATCH/inodes.sorted"
    while read_inodes total free point; do
        if ! is_number "$total" || [ "$total" = 0 ]; then
            check pass "$point: $(format checks.unlimited)" "$wanted" # btrfs and others create inodes as needed
        elif below "$free" "$wanted"; then
            check fail "$point: $free" "$wanted"
        else
            check pass "$point: $free" "$wanted"
        fi
    done <"$SCRATCH/inodes.sorted"
}

# measure_scratch: free space for the lists and copies of a run; without it, a run fails half way
measure_scratch() {
    local scratch_free scratch_inodes
    scratch_free=$(probe df -Pk "$SCRATCH" 2>/dev/null | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }')
    scratch_inodes=$(probe df -Pi "$SCRATCH" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }')
    if ! is_number "$scratch_free"; then
        check warn "$(format checks.unknown)" "$(human "$required")"
    elif is_number "$scratch_inodes" && [ "$scratch_inodes" -lt 1000 ]; then
        check fail "${SCRATCH%/*}: $(format checks.inodes "$scratch_inodes")" "$(format checks.inodes 1000)"
    else
        check_amount "$scratch_free" "${SCRATCH%/*}: $(human "$scratch_free")" bytes
    fi
}

# measure_ssd: what the kernel reports about the disk under the root. It is unreliable for virtual disks, device-mapper and
# RAID controllers, which report "rotational" for any disk
measure_ssd() {
    local result disk_kind='' disk_name='' rotational=''
    find_disk "$(nearest_folder "$ROOT")"
    case $disk_kind:$rotational in
        none:*) check "$(unless_wanted)" "$(format checks.disk_unknown "$disk_name")" "$(format checks.ssd)" ;;
        *:0) check pass "$disk_name: $(format checks.ssd)" "$(show_wanted)" ;;
        plain:1)
            result=pass
            [ "$recommended" != yes ] || result=warn
            [ "$required" != yes ] || result=fail
            check "$result" "$disk_name: $(format checks.rotational)" "$(show_wanted)"
            ;;
        *) check "$(unless_wanted)" "$(format checks.disk_unsure "$disk_name" "$(format "disk.$disk_kind")")" "$(show_wanted)" ;;
    esac
}

unless_wanted() { if [ "$required$recommended" = -- ]; then printf pass; else printf warn; fi; }

show_wanted() { if [ "$required$recommended" = -- ]; then printf -- '-'; else format checks.ssd; fi; }

# find_disk FOLDER: sets disk_name, disk_kind and `rotational`; the kind is plain, virtual, mapper, raid or none
find_disk() {
    local block sys disk vendor
    disk_name=$(probe df -P "$1" 2>/dev/null | awk 'NR == 2 { print $1 }')
    disk_kind=none rotational=''
    case $disk_name in
        /dev/*) block=$(probe readlink -f "$disk_name" 2>/dev/null || printf '%s' "$disk_name") ;;
        *) return 0 ;;
    esac
    block=${block##*/}
    disk_name=$block
    sys=$PROBE_ROOT/sys/class/block/$block
    [ -d "$sys" ] || return 0
    sys=$(cd -P -- "$sys" && pwd -P)
    [ ! -f "$sys/partition" ] || sys=${sys%/*}
    [ -f "$sys/queue/rotational" ] || return 0
    rotational=$(sed -n 1p "$sys/queue/rotational")
    disk=${sys##*/}
    vendor="$(sed -n 1p "$sys/device/vendor" 2>/dev/null) $(sed -n 1p "$sys/device/model" 2>/dev/null)"
    disk_kind=plain
    case $disk in
        vd* | xvd*) disk_kind=virtual ;;
        dm-*) disk_kind=mapper ;;
        md*) disk_kind=raid ;;
        *)
            case $vendor in
                *QEMU* | *VMware* | *VBOX* | *Msft* | *Virtual* | *Google* | *0x1af4*) disk_kind=virtual ;;
                *PERC* | *MegaRAID* | *MR9* | *AVAGO* | *LSI* | *'LOGICAL VOLUME'* | *ServeRAID* | *SAS3* | *Adaptec*) disk_kind=raid ;;
            esac
            ;;
    esac
}

# measure_write_latency: twenty small synchronous writes, minus the cost of starting the program. This file is the only thing
# that the preflight writes; it is removed at once
measure_write_latency() {
    local folder file synced plain found
    folder=$(nearest_folder "$ROOT")
    file=$folder/.bundle-latency.$$
    if ! (umask 077 && : >"$file") 2>/dev/null; then
        check warn "$(format checks.unwritable "$folder")" "$(show_latency)"
        return
    fi
    LITTER="$file"
    synced=$(time_writes conv=fsync)
    plain=$(time_writes conv=notrunc)
    rm -f "$file"
    LITTER=''
    if [ -z "$synced" ] || [ -z "$plain" ]; then
        check warn "$(format checks.unknown)" "$(show_latency)"
        return
    fi
    # hundredths of a second for 20 writes: half a millisecond each
    found=$(awk -v a="$synced" -v b="$plain" 'BEGIN { d = a - b; printf "%.1f", (d > 0 ? d : 0) * 10 / 20 }')
    if [ "$required" != - ] && below "$required" "$found"; then
        check fail "$found ms" "<= $required ms"
    elif [ "$recommended" != - ] && below "$recommended" "$found"; then
        check warn "$found ms" "<= $recommended ms"
    else
        check pass "$found ms" "$(show_latency)"
    fi
}

show_latency() { if [ "$required" != - ]; then printf '<= %s ms' "$required"; else printf '<= %s ms' "$recommended"; fi; }

# time_writes CONVERSION: centiseconds that 20 writes took; nothing if dd does not support the conversion
time_writes() {
    local begun
    begun=$(centiseconds)
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        probe dd if=/dev/zero of="$file" bs=4096 count=1 "$1" 2>/dev/null || return 0
    done
    printf '%s' $(($(centiseconds) - begun))
}

# measure_filesystem: whether the root's file system keeps owners, modes, links and case, and allows programs to run
measure_filesystem() {
    local folder device type trial broken weak shown
    folder=$(nearest_folder "$ROOT")
    read -r device type <<EOT
$(probe df -PT "$folder" 2>/dev/null | awk 'NR == 2 { print $1, $2 }')
EOT
    trial=$folder/.bundle-trial.$$
    if ! (umask 077 && mkdir "$trial") 2>/dev/null; then
        check warn "$(format checks.unwritable "$folder")" 'chown chmod links exec d_type'
        return
    fi
    LITTER=$trial
    broken='' weak=''
    printf '#!/bin/sh\nexit 0\n' >"$trial/a"
    probe chmod 640 "$trial/a" 2>/dev/null
    case $(ls -l "$trial/a") in -rw-r-----*) ;; *) broken="$broken chmod" ;; esac
    if [ "$(probe id -u)" = 0 ]; then
        probe chown 12345:12346 "$trial/a" 2>/dev/null
        # shellcheck disable=SC2012 # the names are our own; find -printf and stat -c are not available everywhere
        [ "$(ls -ln "$trial/a" | awk '{ print $3 ":" $4 }')" = 12345:12346 ] || broken="$broken chown"
        probe chown 0:0 "$trial/a" 2>/dev/null
    fi
    if ! probe ln -s a "$trial/link" 2>/dev/null || [ ! -L "$trial/link" ]; then broken="$broken symlink"; fi
    [ ! -e "$trial/A" ] || broken="$broken case"
    probe chmod 700 "$trial/a" 2>/dev/null
    "$trial/a" 2>/dev/null || weak="$weak exec"
    probe ln "$trial/a" "$trial/hard" 2>/dev/null || weak="$weak hard-link"
    rm -rf "$trial"
    LITTER=''
    if [ "$type" = xfs ] && probe xfs_info "$device" 2>/dev/null | grep -q 'ftype=0'; then weak="$weak d_type"; fi
    case $type in nfs* | cifs | smb* | 9p | vfat | exfat | ntfs* | fuse*) weak="$weak type" ;; esac
    shown="$folder: ${type:-?}"
    if [ -n "$broken" ]; then
        check fail "$shown: $(format checks.lacking "${broken# }")" 'chown chmod links exec d_type'
    elif [ -n "$weak" ]; then
        check warn "$shown: $(format checks.lacking "${weak# }")" 'chown chmod links exec d_type'
    else
        check pass "$shown" 'chown chmod links exec d_type'
    fi
}

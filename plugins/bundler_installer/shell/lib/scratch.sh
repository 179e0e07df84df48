# ---- lib/scratch: which run created a scratch folder, and whether that run still works

# describe_run: process, start, boot, process namespace and machine of this run; - for unknown
describe_run() {
    local run_start
    run_start=$(start_time $$)
    printf '%s %s %s %s %s\n' "$$" "${run_start:--}" "$(boot_id)" "$(name_namespace)" "$(uname -n)"
}

# hold_scratch: all processes that this run starts inherit descriptor 8, open in the scratch folder: the folder is in use as
# long as one of them works
hold_scratch() {
    command exec 8<"$SCRATCH/process" || return 1
    ! have flock || flock -n 8 2>/dev/null || : # some file systems do not support such locks
}

# sweep_scratch FOLDER: remove scratch folders of killed runs
sweep_scratch() {
    local each
    for each in "$1"/bundle.??????; do
        if [ -d "$each" ] && [ "$each" != "$SCRATCH" ]; then drop_scratch "$1" "${each##*/}"; fi
    done
}

# drop_scratch FOLDER NAME: only one that belongs to this user and whose run no longer works. Done from within the folder,
# because other users may change its path in the meantime. Another run may remove it at the same time
drop_scratch() {
    case ${2#bundle.} in *[!A-Za-z0-9]*) return 0 ;; esac
    (
        cd -P -- "$1" 2>/dev/null || exit 0
        is_own_folder "./$2" || exit 0
        if [ ! -L "./$2/process" ] && { is_unmarked "./$2" || is_abandoned "./$2"; }; then empty_scratch "./$2"; fi
    )
}

# empty_scratch FOLDER: remove it, and the file that names its owner last: if this run is killed meanwhile, the next run can
# still identify the folder
empty_scratch() {
    (cd -- "$1" 2>/dev/null && find . ! -name . -prune ! -name process -exec rm -rf {} +)
    rm -rf "$1"
}

# is_abandoned FOLDER: its run was killed, and no process that the run had started still works
is_abandoned() { [ -f "$1/process" ] && is_dead_run "$1/process" && is_idle "$1/process"; }

# is_idle FILE: no process has it open as descriptor 8
is_idle() {
    local idle_code idle_place each
    idle_code=2
    if have flock; then
        flock -n 8 2>/dev/null 8<"$1"
        idle_code=$?
    fi
    [ "$idle_code" -gt 1 ] || return "$idle_code"
    idle_place=$(cd -P -- "${1%/*}" 2>/dev/null && pwd -P)/${1##*/}
    for each in /proc/[0-9]*/fd/8; do
        if [ -L "$each" ] && [ "$(readlink "$each" 2>/dev/null)" = "$idle_place" ]; then return 1; fi
    done
}

# is_unmarked FOLDER: its run was killed before it recorded its owner, more than ten minutes ago; the folder is empty
is_unmarked() {
    [ -z "$(find "$1" ! -path "$1" \( ! -name process -o -size +0 \) 2>/dev/null | sed -n 1p)" ] &&
        [ -n "$(find "$1" -prune -mmin +10 2>/dev/null)" ]
}

is_own_folder() { [ -d "$1" ] && [ ! -L "$1" ] && [ -n "$(find "$1" -prune -user "$(id -u)" 2>/dev/null)" ]; }

# is_dead_run FILE: the run that the file describes no longer works, as far as this machine and namespace can tell
is_dead_run() {
    local dead_process dead_start dead_boot dead_namespace dead_machine
    read -r dead_process dead_start dead_boot dead_namespace dead_machine _ 2>/dev/null <"$1" || return 1
    if [ -z "$dead_machine" ] || [ "$dead_machine" != "$(uname -n)" ] || [ "$(boot_id)" = unknown ]; then return 1; fi
    [ "$dead_boot" = "$(boot_id)" ] || return 0
    [ "$dead_namespace" = "$(name_namespace)" ] && ! is_at_work "$dead_process" "$dead_start" "$dead_boot"
}

# lose_scratch: the scratch folder cannot be written to, or a program that writes there cannot run
lose_scratch() {
    if [ -d "$SCRATCH" ] && scratch_has_room; then fail $EXIT_FAILED tools.failed; fi
    fail $EXIT_FAILED tools.scratch_full "${SCRATCH%/*}"
}

# scratch_has_room: whether 64 KiB more can be written
scratch_has_room() {
    printf '%65536s' x 2>/dev/null >"$SCRATCH/room" && [ "$(wc -c <"$SCRATCH/room")" -eq 65536 ] && rm -f "$SCRATCH/room"
}

# blame_scratch: report a full scratch folder as the reason, whatever error it appears as
blame_scratch() { scratch_has_room || lose_scratch; }

# empty_file FILE: of the scratch folder. A failed redirection of `:` would end some shells
empty_file() { printf '' >"$1" || lose_scratch; }

# keep FILE COMMAND...: write the command's output to a file of the scratch folder, or end the run
keep() {
    local kept_file
    kept_file=$1
    shift
    "$@" >"$kept_file" || lose_scratch
}

# expect_lines FILE COUNT: check that a loop saw all lines of a file. `read` does not distinguish an error from the end
expect_lines() { [ "$(wc -l <"$1")" -eq "$2" ] || lose_scratch; }

# ---- data/carried: a backup in one tar file
#
# It is not unpacked by a tar program: the headers are read here, one at a time; any member that a backup cannot have ends
# the run, and each file is written to one private folder. So it does not matter how this system's tar treats links and
# names.

# unpack_backup FILE: into the folder UNPACKED; sets SOURCE
unpack_backup() {
    local archive need free
    archive=$1 need=$(wc -c <"$1") free=$(free_bytes "$UNPACKED")
    { is_number "$need" && is_number "$free"; } || fail $EXIT_FAILED authentic.unreadable "$1"
    if too_little "$need" "$free"; then
        fail $EXIT_FAILED backup.no_room "$UNPACKED" "$(human "$free")" "$(human "$need")"
    fi
    (umask 077 && mkdir "$UNPACKED/backup" "$UNPACKED/backup/dumps" "$UNPACKED/backup/volumes") || fail $EXIT_FAILED release.disk "$ROOT"
    expect_file "${1%/*}/" "${1##*/}" "$need"
    metered unpack '' unpack_archive || leave $?
    [ -f "$UNPACKED/backup/backup.env" ] || refuse_archive
    rmdir "$UNPACKED/backup/dumps" "$UNPACKED/backup/volumes" 2>/dev/null || : # only if the backup has no such files
    SOURCE=$UNPACKED/backup
}

refuse_archive() { fail $EXIT_VERIFICATION carried-backup.refused "$archive"; }

unpack_archive() { (umask 077 && unpack_members <"$archive"); }

# unpack_members: from standard input, which is opened only once, so the file cannot be exchanged between checks
unpack_members() {
    local top longer count longer_size member_name='' member_size='' member_type=''
    top='' longer='' count=0
    while :; do
        take_blocks 1 "$SCRATCH/tar-head" || refuse_archive
        read_head "$SCRATCH/tar-head" || refuse_archive
        case $member_type in
            end) break ;;
            pax | long)
                if [ "$member_size" -gt 8192 ] || [ "$member_size" -eq 0 ]; then refuse_archive; fi
                take_blocks $(((member_size + 511) / 512)) "$SCRATCH/tar-longer" || refuse_archive
                longer=$member_type longer_size=$member_size
                continue
                ;;
        esac
        [ -z "$longer" ] || read_longer || refuse_archive
        longer=''
        count=$((count + 1))
        [ "$count" -le 10000 ] || refuse_archive
        take_member
    done
    [ -n "$top" ] || refuse_archive
}

# take_blocks COUNT FILE: read COUNT blocks of 512 bytes from standard input; the status is 1 if there are fewer
take_blocks() {
    dd bs=512 count="$1" 2>/dev/null >"$2" || fail_reading "$2"
    [ "$(wc -c <"$2")" -eq $(($1 * 512)) ]
}

# read_head FILE: sets member_type, member_size and member_name; the status is 1 if a backup cannot have such a member.
# Characters beyond ASCII, which only the name of the folder may contain, are read as `?`
read_head() {
    od -An -v -tx1 "$1" >"$SCRATCH/tar-hex" || fail_reading "$1"
    awk "$PROGRAM_DATA_HEAD" "$SCRATCH/tar-hex" >"$SCRATCH/tar-member"
    case $? in
        0) ;;
        3) return 1 ;;
        *) fail_reading "$1" ;;
    esac
    IFS=' ' read -r member_type member_size member_name <"$SCRATCH/tar-member" || fail_reading "$1"
}

# read_longer: sets member_name and member_size: values of an extended header for the next member; times and owners are
# ignored
read_longer() {
    local line
    dd if="$SCRATCH/tar-longer" bs="$longer_size" count=1 2>/dev/null | tr '\000' '\n' >"$SCRATCH/tar-text" || fail_reading "$SCRATCH"
    [ "$(wc -c <"$SCRATCH/tar-text")" -eq "$longer_size" ] || fail_reading "$SCRATCH"
    if [ "$longer" = long ]; then
        [ "$(wc -l <"$SCRATCH/tar-text")" -eq 1 ] || return 1
        member_name=$(tr '\200-\377' '[?*]' <"$SCRATCH/tar-text")
        has_no_controls "$member_name"
        return
    fi
    while IFS= read -r line; do
        line=${line#* }
        case $line in
            path=*)
                member_name=$(printf '%s\n' "${line#path=}" | tr '\200-\377' '[?*]')
                has_no_controls "$member_name" || return 1
                ;;
            size=*)
                member_size=${line#size=}
                { is_number "$member_size" && [ "${#member_size}" -le 15 ]; } || return 1
                case $member_size in 0?*) return 1 ;; esac # a shell would read it as octal
                ;;
            mtime=* | atime=* | ctime=* | uid=* | gid=* | uname=* | gname=*) ;;
            *) return 1 ;;
        esac
    done <"$SCRATCH/tar-text"
}

has_no_controls() { [ "$(printf '%s' "$1" | tr -d '\000-\037\177')" = "$1" ]; }

# take_member: sets `top` and member_name; a folder is only checked; a file is written to UNPACKED/backup. All members must
# be in the same folder
take_member() {
    local base above
    case /$member_name/ in //* | */../* | */-*) refuse_archive ;; esac
    member_name=${member_name#./}
    [ "$member_type" = file ] || return 0
    base=${member_name##*/} above=''
    case $member_name in */*) above=${member_name%/*}/ ;; esac
    case $above in
        dumps/ | */dumps/) base=dumps/$base above=${above%dumps/} ;;
        volumes/ | */volumes/) base=volumes/$base above=${above%volumes/} ;;
    esac
    case ${base##*/} in '' | [!A-Za-z0-9_]* | *[!A-Za-z0-9._-]*) refuse_archive ;; esac
    [ "${top:-.$above}" = ".$above" ] || refuse_archive
    top=.$above
    [ ! -e "$UNPACKED/backup/$base" ] || refuse_archive
    write_member "$UNPACKED/backup/$base" || refuse_archive
}

# write_member TARGET: write member_size bytes of standard input, and skip the padding of the last block; in large pieces,
# for speed
write_member() {
    printf '' >"$1" || fail $EXIT_FAILED release.disk "$ROOT"
    append_blocks "$1" 1048576 $((member_size / 1048576))
    append_blocks "$1" 512 $((member_size % 1048576 / 512))
    if [ $((member_size % 512)) -gt 0 ]; then
        take_blocks 1 "$SCRATCH/tar-tail" || return 1
        dd if="$SCRATCH/tar-tail" bs=$((member_size % 512)) count=1 2>/dev/null >>"$1" || fail $EXIT_FAILED release.disk "$ROOT"
    fi
    [ "$(wc -c <"$1")" -eq "$member_size" ]
}

# append_blocks TARGET SIZE COUNT: from standard input
append_blocks() {
    [ "$3" -gt 0 ] || return 0
    dd bs="$2" count="$3" 2>/dev/null >>"$1" || fail $EXIT_FAILED release.disk "$ROOT"
}

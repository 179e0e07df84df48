# ---- data/volumes: which volumes are those of this site

# has_name VOLUME: whether it is a named volume; the engine names anonymous ones with 64 hex digits
has_name() { case $1 in *[!0-9a-f]*) return 0 ;; esac; [ "${#1}" -ne 64 ]; }

# note_volumes_here: write this project's volumes to $SCRATCH/own-volumes. Other volumes are never emptied or filled
note_volumes_here() {
    list_volumes >"$SCRATCH/own-volumes" || {
        blame_scratch
        lose_target
    }
}

# is_own_volume VOLUME
is_own_volume() {
    [ -n "$1" ] || return 1
    grep -qxF -e "$1" "$SCRATCH/own-volumes"
}

# settle_volumes: write to $SCRATCH/settled-volumes, for each file of the backup, the volume that receives it
settle_volumes() {
    local file='' name='' key='' volume_here=''
    note_volumes_here
    { printf '' >"$SCRATCH/settled-volumes" && printf '' >"$SCRATCH/volume-rows"; } || fail_reading "$SOURCE"
    if [ -f "$SCRATCH/source/volumes.tsv" ]; then
        sed 1d "$SCRATCH/source/volumes.tsv" >"$SCRATCH/volume-rows" || fail_reading "$SOURCE"
    fi
    while read_stored_volume file name key <&5; do
        settle_volume "$name" "$key"
        # a volume cannot receive two files
        awk -F "$TAB" -v volume="$volume_here" "$AWK_SETTLED_VOLUME"'
            $SETTLED_VOLUME["volume_here"] == volume { twice = 3 }
            END { exit twice }' "$SCRATCH/settled-volumes" ||
            fail $EXIT_VERIFICATION restore.foreign_volume "$name"
        printf '%s\t%s\t%s\n' "$file" "$volume_here" "$key" >>"$SCRATCH/settled-volumes" || fail_reading "$SOURCE"
    done 5<"$SCRATCH/volume-rows"
    [ "$(wc -l <"$SCRATCH/volume-rows")" -eq "$(wc -l <"$SCRATCH/settled-volumes")" ] || fail_reading "$SOURCE"
}

# settle_volume NAME KEY: sets `volume_here` to the project's volume of that key or name; if there is none, to the name that
# a new one would have, provided that this name is free. Any other volume is not ours
settle_volume() {
    volume_here=''
    if [ "$2" != - ]; then
        volume_here=$(find_volume "$2") || lose_target
    fi
    if is_own_volume "$volume_here"; then return 0; fi
    volume_here=$1
    if is_own_volume "$volume_here"; then return 0; fi
    volume_here=$(name_volume "$2")
    if [ "$2" = - ] || volume_exists "$volume_here"; then fail $EXIT_VERIFICATION restore.foreign_volume "$1"; fi
}

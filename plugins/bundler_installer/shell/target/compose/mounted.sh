# ---- target/compose/mounted: what services mount of the configuration. Compose makes a container anew when its definition changes,
# but not when only the content of a mounted file does, so each such service gets a label with a digest of that content

# label_mounts: write the labels to an extra Compose file of this release, before each start
label_mounts() {
    local service labels
    labels=$HERE/.mounted.yaml
    empty_file "$SCRATCH/mounts"
    [ ! -f "$FACTS/mounted.tsv" ] || keep "$SCRATCH/mounts" rows mounted.tsv # releases of older versions have none
    if [ ! -s "$SCRATCH/mounts" ]; then
        rm -f "$labels" || fail $EXIT_FAILED release.disk "$ROOT"
        return 0
    fi
    keep_mount_key
    cut_column mounted.tsv service <"$SCRATCH/mounts" >"$SCRATCH/mount-lines" || lose_scratch
    LC_ALL=C sort -u "$SCRATCH/mount-lines" >"$SCRATCH/mounting" || lose_scratch
    {
        printf '# Written before each start: digests of what services mount, so that changed files reach them.\nservices:\n' &&
            while IFS= read -r service; do
                describe_mounts "$service" >"$SCRATCH/mounted" || exit 1
                printf '  "%s":\n    labels:\n      bundle.mounted: "%.64s"\n' "$service" "$(hash_stream <"$SCRATCH/mounted")" || exit 1
            done <"$SCRATCH/mounting"
    } >"$labels.new" || fail $EXIT_FAILED release.disk "$ROOT"
    [ "$(grep -c 'bundle.mounted: "[0-9a-f]\{64\}"$' "$labels.new")" -eq "$(wc -l <"$SCRATCH/mounting")" ] || fail $EXIT_FAILED release.disk "$ROOT"
    mv -f "$labels.new" "$labels" || fail $EXIT_FAILED release.disk "$ROOT"
}

# keep_mount_key: create the key if it does not exist. Labels are visible to all users of the engine: without a key, a short
# secret could be found by trying
keep_mount_key() {
    local mount_key
    [ ! -s "$ROOT/state/mount-key" ] || return 0
    mount_key=$(dd if=/dev/urandom bs=32 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
    is_digest "$mount_key" || fail $EXIT_FAILED site-key.not_made
    printf '%s\n' "$mount_key" | write_note mount-key
}

# describe_mounts SERVICE: the key, and all that the label must change with. The folder of the release belongs to it: Compose
# does not see either that a config or a secret is a file of another release
describe_mounts() {
    local service='' path='' variable='' text=''
    cat "$ROOT/state/mount-key" || return 1
    printf '%s\n' "$HERE" || return 1
    while read_mount service path variable text; do
        [ "$service" = "$1" ] || continue
        printf '%s %s %s\n' "$path" "$variable" "$text" || return 1
        [ "$path" = - ] || describe_files "$HERE/$path" || return 1
        [ "$variable" = - ] || sed -n "/^$variable=/p" "$ROOT/state/compose.env" || return 1
    done <"$SCRATCH/mounts"
}

# describe_files PATH: digest, mode and owner of a file, or of the files below a folder. What cannot be read is described by
# the error: the start must not depend on files that an operator added
describe_files() {
    find "$1" ! -type d >"$SCRATCH/mounted-found" 2>&1
    LC_ALL=C sort "$SCRATCH/mounted-found" | tr '\n' '\0' >"$SCRATCH/mounted-files" || return 1
    [ -s "$SCRATCH/mounted-files" ] || return 0
    xargs -0 ls -ldn -- <"$SCRATCH/mounted-files" 2>/dev/null | awk '{ print substr($1, 1, 10), $3, $4 }' || return 1
    hash_files <"$SCRATCH/mounted-files" 2>&1 || :
}

# list_mounted: the releases whose files a container of the project, even a stopped one, has mounted, separated by blanks
list_mounted() {
    inspect_containers '{{range .Mounts}}{{println .Source}}{{end}}' >"$SCRATCH/mount-sources" || return 1
    awk -v folder="$ROOT/releases/" 'index($0, folder) == 1 {
        name = substr($0, length(folder) + 1); sub(/\/.*/, "", name)
        if (!seen[name]++) printf "%s ", name
    }' "$SCRATCH/mount-sources"
}

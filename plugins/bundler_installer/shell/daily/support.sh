# ---- daily/support: information for a maintainer in one archive, without secrets

run_support() {
    local stamp support target service each archive
    require_tools
    use_current
    RELEASE=${HERE##*/}
    target_answers || :
    find_compose || :
    stamp=$NAME-support-$(date -u '+%Y%m%dT%H%M%SZ')
    support=$SCRATCH/$stamp
    target=${OUTPUT:-$ROOT/support}
    (umask 077 && mkdir -p "$target" "$support/logs" "$support/runs" "$support/configuration") || fail $EXIT_FAILED backup.folder "$target"
    collect versions.txt print_versions
    collect preflight.json run_self preflight --json
    collect inspection.json run_self inspect --json
    collect containers.txt show_containers
    collect stats.txt show_use
    collect compose.txt show_services
    collect disk.txt df -Pk
    collect inodes.txt df -Pi
    collect memory.txt cat "$PROBE_ROOT/proc/meminfo" "$PROBE_ROOT/proc/loadavg"
    collect journal.txt cat "$ROOT/state/journal"
    collect files.txt list_files
    collect configuration/site.env cat "$ROOT/site.env"
    collect configuration/secrets.env print_secret_names
    collect configuration/compose.yaml cat "$HERE/config/compose.yaml"
    collect configuration/bundle.env cat "$FACTS/bundle.env"
    collect configuration/images.tsv cat "$FACTS/images.tsv"
    for service in $(list_column services.tsv service); do
        collect "logs/$service.txt" read_logs --no-color --no-log-prefix --timestamps --tail "$LOG_LINES" "$service"
        collect "logs/$service.json" inspect_service "$service"
    done
    for each in "$ROOT/log"/*.log; do
        if [ -f "$each" ]; then collect "runs/${each##*/}" cat "$each"; fi
    done
    archive=$target/$stamp.tar.gz
    (umask 077 && cd -- "$SCRATCH" && tar -cf "$stamp.tar" "$stamp" && gzip -c "$stamp.tar" >"$archive.new") ||
        fail $EXIT_FAILED release.disk "$target"
    mv -f "$archive.new" "$archive" || fail $EXIT_FAILED release.disk "$target"
    say support.done "$archive" "$(human "$(wc -c <"$archive")")"
}

# collect FILE COMMAND...: the command's output, redacted; the file also contains its errors
collect() {
    local collected
    collected=$support/$1
    shift
    { "$@" 2>&1 || printf '[%s: %s]\n' "$1" "$?"; } </dev/null | redact >"$collected" || fail $EXIT_FAILED release.disk "$SCRATCH"
}

# run_self COMMAND...: run another command of this program, with a separate log and scratch folder
run_self() { sh "$HERE/install" "$@" --root "$ROOT" --lang "$LANGUAGE"; }

print_versions() {
    printf '%s %s %s\n%s\n' "$NAME" "$VERSION" "$PROFILE" "$RELEASE"
    date -u '+%Y-%m-%dT%H:%M:%SZ'
    uname -a
    cat /etc/os-release 2>/dev/null
    describe_engine
    openssl version 2>&1
}

# list_files: the entries of the root and their sizes
list_files() {
    ls -la "$ROOT" "$ROOT/state" "$ROOT/backups" 2>&1
    du -sk "$ROOT"/*/ 2>&1
}

print_secret_names() { mask_values <"$ROOT/secrets.env"; }

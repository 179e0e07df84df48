# ---- data/schedule: the daily backup, as a systemd timer or a line of cron; shown by default, written only on request

run_schedule() {
    local at='' cron='' mark='' unit='' units=''
    [ -d "$CURRENT/config" ] || fail $EXIT_FAILED facts.none "$ROOT"
    use_current
    describe_schedule
    case $SCHEDULE in
        install) install_schedule ;;
        remove) remove_schedule ;;
        *) show show_schedule ;;
    esac
}

# name_schedule: the files; sets `unit`, `units`, `cron` and `mark`
name_schedule() {
    unit=$NAME-backup
    if [ "$ROOT" != "/opt/$NAME" ]; then
        unit=$(printf '%s' "$ROOT" | hash_stream | cut -c 1-8)
        is_hex "$unit" 8 || fail $EXIT_FAILED authentic.no_code
        unit=$NAME-backup-$unit
    fi
    units=$PROBE_ROOT/etc/systemd/system cron=$PROBE_ROOT/etc/cron.d/$unit
    mark="# backup schedule of $ROOT, written by ${NAME}ctl schedule"
}

# describe_schedule: time, command, and files; sets `at`, `unit`, `units`, `cron` and `mark`
describe_schedule() {
    at=$AT
    [ -n "$at" ] || at=$(fact backup_schedule)
    matches "$at" '([01][0-9]|2[0-3]):[0-5][0-9]' || at=02:30
    name_schedule
    if [ -n "$ENCRYPT" ]; then
        [ -n "$PASSPHRASE_FILE" ] || fail $EXIT_USAGE schedule.no_passphrase
        case $PASSPHRASE_FILE in /*) ;; *) fail $EXIT_USAGE schedule.absolute --passphrase-file "$PASSPHRASE_FILE" ;; esac
    fi
    case ${OUTPUT:-/} in /*) ;; *) fail $EXIT_USAGE schedule.absolute --output "$OUTPUT" ;; esac
    case $OUTPUT$PASSPHRASE_FILE in *\'*) fail $EXIT_USAGE schedule.quote ;; esac
    # a timer does not inherit the setting of DOCKER_HOST
    case ${DOCKER_HOST:-} in *[!A-Za-z0-9:/._@+-]*) fail $EXIT_USAGE schedule.engine "$DOCKER_HOST" ;; esac
}

# print_command QUOTE...: the command line, with each variable word quoted for systemd or cron
print_command() {
    "$1" "$ROOT/${NAME}ctl"
    printf ' backup --yes --reason scheduled'
    if [ -n "$KEEP" ]; then printf ' --keep %s' "$KEEP"; fi
    if [ -n "$OUTPUT" ]; then
        printf ' --output '
        "$1" "$OUTPUT"
    fi
    if [ -n "$ENCRYPT" ]; then
        printf ' --encrypt --passphrase-file '
        "$1" "$PASSPHRASE_FILE"
    fi
}

# quote_unit WORD: for systemd.service(5), which interprets %, $, \ and quotes
quote_unit() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g; s/%/%%/g; s/\$/$$/g')"; }

# quote_cron WORD: for a shell, in a line of cron, where % means a line break
quote_cron() { printf "'%s'" "$1" | sed 's/%/\\%/g'; }

print_service() {
    printf '%s\n[Unit]\nDescription=Backup of %s\nAfter=docker.service\nWants=docker.service\n\n' "$mark" "$TITLE"
    printf '[Service]\nType=oneshot\nTimeoutStartSec=infinity\nNice=10\nUMask=0077\n'
    [ -z "${DOCKER_HOST:-}" ] || printf 'Environment=DOCKER_HOST=%s\n' "$DOCKER_HOST"
    printf 'ExecStart=/bin/sh '
    print_command quote_unit
    printf '\n'
}

print_timer() {
    printf '%s\n[Unit]\nDescription=Daily backup of %s\n\n[Timer]\nOnCalendar=*-*-* %s:00\nPersistent=true\n\n' "$mark" "$TITLE" "$at"
    printf '[Install]\nWantedBy=timers.target\n'
}

print_cron() {
    local minute hour
    minute=${at#*:} hour=${at%:*}
    printf '%s\n%s %s * * * root %s/bin/sh ' "$mark" "${minute#0}" "${hour#0}" "${DOCKER_HOST:+DOCKER_HOST=$DOCKER_HOST }"
    print_command quote_cron
    printf ' >/dev/null\n'
}

show_schedule() {
    if has_systemd; then
        printf '# %s\n' "$units/$unit.service"
        print_service
        printf '\n# %s\n' "$units/$unit.timer"
        print_timer
    else
        printf '# %s\n' "$cron"
        print_cron
    fi
    if [ -f "$units/$unit.timer" ] || [ -f "$cron" ]; then say schedule.is_on; else say schedule.is_off "$ROOT/${NAME}ctl"; fi
}

install_schedule() {
    [ -z "$ENCRYPT" ] || note_encrypts
    if has_systemd; then
        write_owned "$units/$unit.service" print_service
        write_owned "$units/$unit.timer" print_timer
        { systemctl daemon-reload && systemctl enable --now "$unit.timer"; } >"$SCRATCH/systemctl" 2>&1 ||
            fail $EXIT_FAILED schedule.systemctl "$(tail -n 2 "$SCRATCH/systemctl")"
        say schedule.installed "$units/$unit.timer" "$at"
    elif [ -d "${cron%/*}" ]; then
        write_owned "$cron" print_cron
        say schedule.installed "$cron" "$at"
    else
        fail $EXIT_FAILED schedule.nothing
    fi
}

# write_owned FILE COMMAND: completely or not at all; a file written by somebody else stays
write_owned() {
    local owned
    if [ -e "$1" ] && ! is_ours "$1"; then fail $EXIT_FAILED schedule.not_ours "$1"; fi
    owned=$("$2")
    { printf '%s\n' "$owned" >"$1.new" && chmod 644 "$1.new" && mv -f "$1.new" "$1"; } || fail $EXIT_FAILED release.disk "${1%/*}"
}

is_ours() { [ -f "$1" ] && [ "$(sed -n 1p "$1")" = "$mark" ]; }

# is_scheduled: whether a timer or a line of cron is installed for this root
is_scheduled() { is_ours "$units/$unit.timer" || is_ours "$units/$unit.service" || is_ours "$cron"; }

remove_schedule() {
    local removed each
    removed=''
    if is_ours "$units/$unit.timer"; then
        systemctl disable --now "$unit.timer" >"$SCRATCH/systemctl" 2>&1 ||
            fail $EXIT_FAILED schedule.systemctl "$(tail -n 2 "$SCRATCH/systemctl")"
    fi
    for each in "$units/$unit.timer" "$units/$unit.service" "$cron"; do
        if is_ours "$each"; then
            rm -f "$each" || fail $EXIT_FAILED release.disk "${each%/*}"
            removed=yes
        fi
    done
    if [ -z "$removed" ]; then
        say schedule.is_off "$ROOT/${NAME}ctl"
        return
    fi
    if has_systemd; then systemctl daemon-reload; fi
    say schedule.removed
}

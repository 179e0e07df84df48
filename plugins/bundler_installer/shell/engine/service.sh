# ---- engine/service: the carried engine: its settings, how it is started, and how it is removed

# print_settings: log rotation; without a limit, logs eventually fill the disk
print_settings() {
    local data_root
    printf '{\n'
    data_root=$(engine_parts data-root)
    [ -z "$data_root" ] || printf '  "data-root": "%s",\n' "$data_root"
    printf '  "log-driver": "json-file",\n  "log-opts": {"max-size": "50m", "max-file": "5"}\n}\n'
}

# print_unit: containers keep running when the service restarts, and have limits of their own
print_unit() {
    local data_root
    data_root=$(engine_parts data-root)
    cat <<EOT
# Docker engine, put in place with $NAME
[Unit]
Description=Docker engine
Documentation=man:dockerd(8)
After=network-online.target firewalld.service time-set.target
Wants=network-online.target
RequiresMountsFor=${data_root:-/var/lib/docker}
StartLimitIntervalSec=60
StartLimitBurst=3

[Service]
Type=notify
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/usr/local/bin/dockerd
ExecReload=/bin/kill -s HUP \$MAINPID
TimeoutStartSec=0
Restart=always
RestartSec=2
Delegate=yes
KillMode=process
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
EOT
}

# start_engine: by systemd, now and after each boot; without systemd, as a separate process
start_engine() {
    local waited
    if has_systemd; then
        if owns "$UNIT"; then write_own "$UNIT" print_unit engine-unit; fi
        { systemctl daemon-reload && systemctl enable --now docker.service; } >"$SCRATCH/systemctl" 2>&1 ||
            fail $EXIT_FAILED carried.systemctl "$(tail -n 2 "$SCRATCH/systemctl")"
    elif ! docker_answers; then
        launch_engine
        warn carried.boot "$(print_launch)"
    fi
    waited=0
    until docker_answers; do
        waited=$((waited + 1))
        [ "$waited" -le 60 ] || fail $EXIT_FAILED carried.silent "$(print_engine_log)"
        sleep 1
    done
    find_compose || fail $EXIT_FAILED engine.no_compose
}

# launch_engine: it keeps running after this run, and gets nothing of the operator's environment
launch_engine() {
    mkdir -p "$PROBE_ROOT/var/log"
    env -i PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" HOME=/root setsid dockerd \
        >>"$PROBE_ROOT/var/log/dockerd.log" 2>&1 </dev/null 8<&- 9>&- &
}

print_launch() { printf 'setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &'; }

print_engine_log() {
    if has_systemd; then
        printf 'journalctl -u docker\n'
        journalctl -u docker -n 3 --no-pager -o cat 2>/dev/null
    else
        printf '%s\n' "$PROBE_ROOT/var/log/dockerd.log"
        tail -n 3 "$PROBE_ROOT/var/log/dockerd.log" 2>/dev/null
    fi
}

# remove_engine: what this installation installed, never the engine's data. It stays if other containers need it
remove_engine() {
    local each copy data_root recorded=''
    name_places
    if owns_engine && docker_answers && [ -n "$(docker ps -aq)" ]; then
        warn carried.in_use
        return 0
    fi
    record begin engine
    if owns_engine; then stop_engine; fi
    remove_packages
    sed -n 's/^file=//p' "$ROOT/state/engine" >"$SCRATCH/engine-files"
    while IFS= read -r each; do
        case $each in "$SETTINGS") copy=engine-settings ;; "$UNIT") copy=engine-unit ;; *) copy=none ;; esac
        if [ -f "$each" ] && is_changed "$each" "$copy"; then
            say carried.settings_changed "$each"
            continue
        fi
        rm -f "$each" || fail $EXIT_FAILED release.disk "${each%/*}"
    done <"$SCRATCH/engine-files"
    rm -rf "$PROGRAMS/.docker.part" "${PLUGIN%/*}/.docker-compose.part"
    rmdir "${PLUGIN%/*}" "${PLUGIN%/*/*}" 2>/dev/null || :
    if has_systemd; then systemctl daemon-reload >/dev/null 2>&1 || write_log "systemctl daemon-reload"; fi
    data_root=$(sed -n 's/.*"data-root": "\(.*\)",$/\1/p' "$ROOT/state/engine-settings" 2>/dev/null)
    rm -f "$ROOT/state/engine" "$ROOT/state/engine-settings" "$ROOT/state/engine-unit"
    record end engine
    say carried.removed "${data_root:-/var/lib/docker}"
}

stop_engine() {
    local process waited
    if has_systemd; then
        if owns "$UNIT" && [ ! -e "$UNIT" ]; then return 0; fi # a run that was killed got as far as this
        systemctl disable --now docker.service >"$SCRATCH/systemctl" 2>&1 ||
            fail $EXIT_FAILED carried.systemctl "$(tail -n 2 "$SCRATCH/systemctl")"
        return 0
    fi
    process=$(cat "$PROBE_ROOT/run/docker.pid" "$PROBE_ROOT/var/run/docker.pid" 2>/dev/null | sed -n 1p)
    is_number "$process" && [ "$(cat "/proc/$process/comm" 2>/dev/null)" = dockerd ] || return 0
    kill "$process"
    waited=0
    while is_running "$process"; do
        waited=$((waited + 1))
        [ "$waited" -le 60 ] || fail $EXIT_FAILED carried.not_stopped "$process"
        sleep 1
    done
}

remove_packages() {
    sed -n 's/^package=//p' "$ROOT/state/engine" >"$SCRATCH/engine-names"
    [ -s "$SCRATCH/engine-names" ] || return 0
    # package names contain no blanks
    if [ "$(note_field engine manager)" = deb ]; then
        xargs "$PROBE_ROOT/usr/bin/dpkg" -r <"$SCRATCH/engine-names"
    else
        xargs "$PROBE_ROOT/usr/bin/rpm" -e <"$SCRATCH/engine-names"
    fi >"$SCRATCH/engine-packages" 2>&1 || fail $EXIT_FAILED carried.packages "$(tail -n 6 "$SCRATCH/engine-packages")"
}

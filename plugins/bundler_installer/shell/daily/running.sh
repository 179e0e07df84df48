# ---- daily/running: start and stop the services, and read their logs

# begin_run: use the installed release, and take the lock
begin_run() {
    use_installed
    take_lock
    resume_change start
}

run_start() {
    begin_run
    images_are_there || load_images # the engine may have lost some
    compose_up_or_explain
}

run_stop() {
    use_installed
    take_lock
    list_containers >"$SCRATCH/containers" || fail $EXIT_FAILED engine.no_docker
    stop_all
    [ "$(sed -n 1p "$ROOT/state/finished" 2>/dev/null)" = stopped ] || note_finished stopped
    say services.stopped
}

# run_restart: `compose restart` is not used, because it starts completed jobs together with the database that they need
run_restart() {
    begin_run
    stop_all
    compose_up_or_explain
}

run_logs() {
    use_installed
    if [ -n "$WORDS" ]; then compose logs --tail "$TAIL" "$WORDS"; else compose logs --tail "$TAIL"; fi 2>&1 | redact
}

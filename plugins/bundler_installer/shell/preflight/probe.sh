# ---- preflight/probe: whether a container works on this server, tested with an image of the bundle

# run_probe: for `preflight --probe`, which requires that the images are loaded
run_probe() {
    [ -n "$DOCKER" ] || fail $EXIT_PREFLIGHT engine.no_docker
    [ -n "$INSTALLED" ] || verify_bundle
    images_are_there || fail $EXIT_FAILED probe.no_images
    make_probe
    walk_checks container
}

# probe_engine: a step of an installation with --probe, after the images are loaded and before anything is switched. If the
# application is already running, its own containers are the proof
probe_engine() {
    local failures recorded=''
    [ ! -s "$SCRATCH/engine-ours" ] || return 0
    say probe.start
    empty_file "$SCRATCH/checks"
    make_probe
    walk_checks container
    print_checks bad
    record_accepted
    failures=$(count_results fail)
    [ -z "$STRICT" ] || failures=$((failures + $(count_results warn)))
    if [ "$failures" -gt 0 ]; then
        record failed probe
        fail $EXIT_PREFLIGHT probe.failed "$failures"
    fi
}

# make_probe: run one container in a separate network; its findings go to probe-out, one per line
make_probe() {
    local probe_code probe_pid ticks
    empty_file "$SCRATCH/probe-out"
    empty_file "$SCRATCH/probe-error"
    probe_code='' PROBE_PORT='' PROBE_IMAGE=''
    choose_probe_image
    [ -n "$PROBE_IMAGE" ] || return 0
    PROBED=bundle-probe-$NAME-$$
    if ! docker network create --label "bundle.probe=$NAME" "$PROBED" >/dev/null 2>"$SCRATCH/probe-error"; then
        probe_code=125
        remove_probe
        return 0
    fi
    docker run --name "$PROBED" --label "bundle.probe=$NAME" --network "$PROBED" --network-alias bundle-probe \
        -p 127.0.0.1::61616 --entrypoint /bin/sh "$PROBE_IMAGE" -c "$PROBE_SCRIPT" \
        >"$SCRATCH/probe-out" 2>"$SCRATCH/probe-error" </dev/null &
    probe_pid=$!
    ticks=0
    while [ "$ticks" -lt 60 ] && kill -0 "$probe_pid" 2>/dev/null; do
        if [ -z "$PROBE_PORT" ] && grep -q '^listener=' "$SCRATCH/probe-out"; then
            PROBE_PORT=$(docker port "$PROBED" 61616/tcp 2>/dev/null | sed -n 's/.*:\([0-9]*\)$/\1/p' | sed -n 1p)
        fi
        if [ -n "$PROBE_PORT" ] && ! grep -q '^port=' "$SCRATCH/probe-out"; then
            # the handshake fails, because there is no TLS. The container only waits for a connection
            within 3 openssl s_client -connect "127.0.0.1:$PROBE_PORT" >/dev/null 2>&1
        fi
        ticks=$((ticks + 1))
        sleep 1
    done
    if kill -0 "$probe_pid" 2>/dev/null; then
        probe_code=124
    else
        wait "$probe_pid"
        probe_code=$?
    fi
    remove_probe
    if [ "$probe_code" = 124 ]; then wait "$probe_pid" 2>/dev/null; fi
}

# choose_probe_image: sets PROBE_IMAGE: the first that has a shell and a program with threads, else the first with a shell
choose_probe_image() {
    local reference has
    list_column images.tsv reference >"$SCRATCH/probe-images"
    while IFS= read -r reference; do
        has=$(docker run --rm --network none --entrypoint /bin/sh "$reference" -c "$SEARCH_SCRIPT" </dev/null 2>>"$SCRATCH/probe-error")
        case $has in
            threads) PROBE_IMAGE=$reference; return ;;
            shell) [ -n "$PROBE_IMAGE" ] || PROBE_IMAGE=$reference ;;
        esac
    done <"$SCRATCH/probe-images"
}

# remove_probe: remove container and network, if they exist
remove_probe() {
    [ -n "$PROBED" ] || return 0
    docker rm -f -v "$PROBED" >/dev/null 2>&1
    docker network rm "$PROBED" >/dev/null 2>&1
    PROBED=''
}

clean_at_exit remove_probe

# shellcheck disable=SC2016 # for the shell in the container
SEARCH_SCRIPT='for each in python3 node redis-server java; do
    if command -v "$each" >/dev/null 2>&1; then echo threads; exit; fi
done
echo shell'

# the script that runs in the container: it uses the shell and those of these programs that the image has
# shellcheck disable=SC2016 # for the shell in the container
PROBE_SCRIPT='has() { command -v "$1" >/dev/null 2>&1; }
echo "files=$(ulimit -Hn)"
listener=""
if has python3; then
    (python3 -c "import socket
s = socket.socket(); s.bind((\"\", 61616)); s.listen(1); print(\"listener=python3\", flush=True)
s.accept(); print(\"port=ok\", flush=True)" 2>/dev/null) & listener=$!
elif has perl; then
    (perl -MSocket -e "\$| = 1; socket(S, PF_INET, SOCK_STREAM, 6); bind(S, pack_sockaddr_in(61616, INADDR_ANY)) or exit 1;
listen(S, 1); print qq(listener=perl\n); accept(C, S); print qq(port=ok\n)" 2>/dev/null) & listener=$!
elif has node; then
    (node -e "require(\"net\").createServer(() => { console.log(\"port=ok\"); process.exit() }).listen(61616, () => console.log(\"listener=node\"))" 2>/dev/null) & listener=$!
elif has nc; then
    (echo listener=nc; nc -l -p 61616 </dev/null >/dev/null 2>&1 && echo port=ok) & listener=$!
else
    echo listener=none; echo port=untried
fi
if has python3; then
    if python3 -c "import threading
t = [threading.Thread(target=int) for _ in range(20)]
[x.start() for x in t]; [x.join() for x in t]" >/dev/null 2>&1; then echo threads=python3; else echo threads=failed; fi
elif has node; then
    if node -e 0 >/dev/null 2>&1; then echo threads=node; else echo threads=failed; fi
elif has redis-server; then
    # it reports when it cannot create a thread; if it ends for another reason, that proves nothing about threads
    said=$(redis-server --port 61617 --bind 127.0.0.1 --save "" --dir /tmp 2>&1 & redis=$!
        n=0; while [ $n -lt 15 ]; do
            set -- /proc/$redis/task/*
            [ $# -lt 2 ] || { echo has-threads; break; }
            [ -e "/proc/$redis" ] || break
            sleep 1; n=$((n + 1))
        done
        [ $n -lt 15 ] || echo has-no-thread
        kill $redis 2>/dev/null)
    case $said in
        *has-threads*) echo threads=redis-server ;;
        *has-no-thread* | *"Background Jobs"*) echo threads=failed ;;
        *) echo threads=untried ;;
    esac
elif has java; then
    if java -version >/dev/null 2>&1; then echo threads=java; else echo threads=failed; fi
else
    echo threads=untried
fi
names=failed
if has getent; then getent hosts bundle-probe >/dev/null 2>&1 && names=ok
elif has nslookup; then nslookup bundle-probe >/dev/null 2>&1 && names=ok
elif has python3; then python3 -c "import socket; socket.gethostbyname(\"bundle-probe\")" >/dev/null 2>&1 && names=ok
elif has perl; then perl -MSocket -e "exit !inet_aton(q(bundle-probe))" >/dev/null 2>&1 && names=ok
else names=untried; fi
echo "names=$names"
if has sleep; then
    (n=0; while [ $n -lt 64 ]; do sleep 3 >/dev/null 2>&1 & n=$((n + 1)); echo "processes=$n"; done) 2>/dev/null
    # the listener ends after one connection
    n=0; while [ -n "$listener" ] && [ $n -lt 30 ] && kill -0 "$listener" 2>/dev/null; do sleep 1; n=$((n + 1)); done
fi
echo end=ok'

# probe_finding KEY: the value of the last line KEY=VALUE that the container printed
probe_finding() { sed -n "s/^$1=//p" "$SCRATCH/probe-out" | sed -n '$p'; }

measure_probe_start() {
    if [ -z "$PROBE_IMAGE" ]; then
        if [ -s "$SCRATCH/probe-error" ] && ! grep -q 'no such file\|not found\|executable file' "$SCRATCH/probe-error"; then
            check fail "$(sed -n 1p "$SCRATCH/probe-error")" "$(format checks.starts)"
        else
            check warn "$(format checks.no_shell)" "$(format checks.starts)" "$(format remedy.no_shell)"
        fi
    elif [ -n "$(probe_finding files)" ]; then
        check pass "$PROBE_IMAGE" "$(format checks.starts)"
    else
        check fail "$(sed -n 1p "$SCRATCH/probe-error")" "$(format checks.starts)"
    fi
}

measure_probe_threads() {
    local started found
    started=$(probe_finding processes)
    found=$(probe_finding threads)
    if [ -z "$(probe_finding files)" ]; then
        check pass -
    elif [ "$found" = failed ] || { [ -n "$started" ] && [ "$started" -lt 64 ]; }; then
        check fail "$(format checks.processes "${started:-0}")" "$(format checks.threads)"
    elif [ "$found" = untried ] || [ -z "$found" ]; then
        check pass "$(format checks.processes "${started:-0}")" "$(format checks.threads)"
    else
        check pass "$(format checks.threads_by "$found" "${started:-0}")" "$(format checks.threads)"
    fi
}

measure_probe_names() {
    case $(probe_finding names) in
        ok) check pass "$(format checks.yes)" "$(format checks.yes)" ;;
        failed) check fail "$(format checks.no)" "$(format checks.yes)" ;;
        untried) check pass "$(format checks.untried)" ;;
        *) check pass - ;;
    esac
}

measure_probe_port() {
    case $(probe_finding port):$PROBE_PORT in
        ok:*) check pass "127.0.0.1:$PROBE_PORT" "$(format checks.yes)" ;;
        untried:*) check pass "${PROBE_PORT:+127.0.0.1:$PROBE_PORT, }$(format checks.untried)" "$(format checks.yes)" ;;
        *)
            if [ -z "$(probe_finding files)" ]; then
                check pass -
            else
                check fail "$(format checks.no)" "$(format checks.yes)"
            fi
            ;;
    esac
}

measure_open_files() {
    local found
    found=$(probe_finding files)
    case $found in
        '') check pass - ;;
        unlimited) check pass "$(format checks.unlimited)" "$(show_amount "$required" '')" ;;
        *) check_amount "$found" "$found" '' ;;
    esac
}

# ---- lib/meter: what shows how far a step is (lib/progress) ends before anything else is printed, and before the run ends

# stop_meter: end the process that shows it, which erases its line and empties its file. A signal is for a process of this
# shell that is ready for it: in one that has just begun, bash would run the traps of the installer. Otherwise a file tells
# it to end, within a second. The run does not wait for one that does not end
stop_meter() {
    local meter_looks
    [ -s "${SCRATCH:-/-}/meter" ] || return 0
    printf 'stop\n' 2>/dev/null >"$SCRATCH/meter-stop" || printf '' 2>/dev/null >"$SCRATCH/meter"
    if [ -n "$METER" ] && [ -s "$SCRATCH/meter-ready" ]; then kill "$METER" 2>/dev/null; fi
    meter_looks=0
    while [ -s "$SCRATCH/meter" ] && { [ -z "$METER" ] || kill -0 "$METER" 2>/dev/null; } && [ "$meter_looks" -lt 30 ]; do
        sleep 0.1 2>/dev/null || sleep 1
        meter_looks=$((meter_looks + 1))
    done
    if [ -n "$METER" ]; then
        # one that is stuck in writing to a terminal or a pipe that takes no more
        [ ! -s "$SCRATCH/meter" ] || kill -KILL "$METER" 2>/dev/null
        wait "$METER" 2>/dev/null
    fi
    [ ! -s "$SCRATCH/meter-drawn" ] || printf '\r\033[K' >&2 # it was killed
    METER=''
    printf '' 2>/dev/null >"$SCRATCH/meter" || return 0
}

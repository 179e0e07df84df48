# ---- lib/programs: which programs the server has, and how their error output is read

have() { command -v "$1" >/dev/null 2>&1; }

# twice COMMAND...: run it, and once more if it fails. A program that fails to start for a moment has not given an answer
twice() { "$@" || "$@"; }

# require_tools: POSIX tools that a minimal system may lack
require_tools() {
    local tool
    for tool in awk sed tar find sort mktemp tr cut od; do
        have "$tool" || fail $EXIT_FAILED tools.missing "$tool"
    done
}

has_systemd() { [ -d "$PROBE_ROOT/run/systemd/system" ] && have systemctl; }

# read_error FILE: the first line of a program's error output that is about its own files; complaints about a closed pipe are
# skipped, because the program at the other end caused them
read_error() { grep -v -i -e 'broken pipe' -e 'wrote only' -e 'write error' -e 'not recoverable' "$1" | sed -n 1p; }

# clean_environment COMMAND...: run it without variables that Compose would substitute in the application's configuration
clean_environment() {
    [ -z "${DOCKER_HOST:-}" ] || set -- DOCKER_HOST="$DOCKER_HOST" "$@"
    [ -z "${DOCKER_CONFIG:-}" ] || set -- DOCKER_CONFIG="$DOCKER_CONFIG" "$@"
    [ -z "${XDG_RUNTIME_DIR:-}" ] || set -- XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" "$@"
    [ -z "${TMPDIR:-}" ] || set -- TMPDIR="$TMPDIR" "$@"
    env -i PATH="$PATH" HOME="$HOME" "$@"
}

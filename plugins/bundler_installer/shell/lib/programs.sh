# ---- lib/programs: what the server has, and what its programs say

have() { command -v "$1" >/dev/null 2>&1; }

# twice COMMAND...: it says no two times. A program that could not be started once has said nothing
twice() { "$@" || "$@"; }

# require_tools: what POSIX promises and a minimal system may lack
require_tools() {
    local tool
    for tool in awk sed tar find sort mktemp tr cut od; do
        have "$tool" || fail $EXIT_FAILED tools.missing "$tool"
    done
}

has_systemd() { [ -d "$PROBE_ROOT/run/systemd/system" ] && have systemctl; }

# read_error FILE: what a program says of the files that it read; that nobody took what it wrote is the loader's fault
read_error() { grep -v -i -e 'broken pipe' -e 'wrote only' -e 'write error' -e 'not recoverable' "$1" | sed -n 1p; }

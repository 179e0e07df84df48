# ---- lib/terminal: what the operator is asked

# ask ID [ARGUMENT...]: yes or no on the terminal; no where there is none
ask() {
    local answer
    [ -z "$YES" ] || return 0
    [ -n "$TERMINAL" ] || return 1
    printf '%s ' "$(format "$@")" >&2
    read -r answer </dev/tty || return 1
    case $answer in y | Y | yes | YES | Yes | 是) return 0 ;; esac
    return 1
}

# read_silently PROMPT: a line of the terminal that is not shown, also when it is typed before it is asked for; sets `given`
read_silently() {
    local read_code
    read_code=0
    : >"$SCRATCH/silent"
    stty -echo </dev/tty
    printf '%s' "$1" >&2
    IFS= read -r given </dev/tty || read_code=1
    stty echo </dev/tty
    rm -f "$SCRATCH/silent"
    printf '\n' >&2
    return "$read_code"
}

# show_typing: the run ended while `read_silently` waited
show_typing() {
    [ ! -f "$SCRATCH/silent" ] || stty echo 2>/dev/null </dev/tty || : # from the background, stty would be stopped for ever
}

clean_at_exit show_typing

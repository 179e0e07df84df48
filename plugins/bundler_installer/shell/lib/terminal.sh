# ---- lib/terminal: questions to the operator

# ask ID [ARGUMENT...]: yes or no on the terminal; no if there is no terminal
ask() {
    local answer
    [ -z "$YES" ] || return 0
    [ -n "$TERMINAL" ] || return 1
    printf '%s ' "$(format "$@")" >&2
    read -r answer </dev/tty || return 1
    case $answer in y | Y | yes | YES | Yes | 是) return 0 ;; esac
    return 1
}

# read_silently PROMPT: a line of the terminal that is not echoed, even if it is typed before the prompt; sets `given`
read_silently() {
    local read_code
    read_code=0
    empty_file "$SCRATCH/silent"
    stty -echo </dev/tty
    printf '%s' "$1" >&2
    IFS= read -r given </dev/tty || read_code=1
    stty echo </dev/tty
    rm -f "$SCRATCH/silent"
    printf '\n' >&2
    return "$read_code"
}

# show_typing: turn the echo on again if the run ended while `read_silently` waited
show_typing() {
    [ ! -f "$SCRATCH/silent" ] || stty echo 2>/dev/null </dev/tty || : # in the background, stty would be stopped forever
}

clean_at_exit show_typing

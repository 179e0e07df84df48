# ---- lib/terminal: questions to the operator

# ask ID [ARGUMENT...]: yes or no on the terminal; no if there is no terminal
ask() {
    local answer readable=''
    [ -z "$YES" ] || return 0
    [ -n "$TERMINAL" ] || return 1
    convert_text "$(format "$@")"
    printf '%s ' "$readable" >&2
    read -r answer </dev/tty || return 1
    [ -z "$CONVERTER" ] || answer=$(typed_text "$answer")
    case $answer in y | Y | yes | YES | Yes | 是) return 0 ;; esac
    return 1
}

# read_silently PROMPT: a line of the terminal that is not echoed, even if it is typed before the prompt; sets `given`
read_silently() {
    local read_code readable=''
    read_code=0
    empty_file "$SCRATCH/silent"
    stty -echo </dev/tty
    convert_text "$1"
    printf '%s' "$readable" >&2
    IFS= read -r given </dev/tty || read_code=1
    [ -z "$CONVERTER" ] || given=$(typed_text "$given")
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

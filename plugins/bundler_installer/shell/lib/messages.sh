# ---- lib/messages: every text has an id and is in one catalogue per language. `%s {file|files}`: the form that fits the
# number

# choose_language: by the locale. The texts are UTF-8: on a terminal with another encoding Chinese would be unreadable, and
# English is not
choose_language() {
    LANGUAGE=en
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
        zh*.[uU][tT][fF]8* | zh*.[uU][tT][fF]-8*) LANGUAGE=zh ;;
        zh*.*) ;;
        # without a name of an encoding, the system chooses
        zh*) case $(locale charmap 2>/dev/null) in GB* | [bB][iI][gG]5*) ;; *) LANGUAGE=zh ;; esac ;;
    esac
}

# format ID [ARGUMENT...]: print the message without a line break
format() {
    local format_id text
    format_id=$1
    shift
    "find_text_$LANGUAGE" "$format_id"
    case $text in *'{'*'|'*'}'*) choose_forms "$@" ;; esac
    # shellcheck disable=SC2059 # the catalogues are part of this file and supply the formats
    printf -- "$text" "$@"
}

# choose_forms ARGUMENT...: sets `text`: of each `{one|many}`, the form for the number that stands before it
choose_forms() {
    local head made rest passed number forms
    rest=$text made='' number=''
    while :; do
        case $rest in *'{'*'|'*'}'*) ;; *) break ;; esac
        head=${rest%%\{*} rest=${rest#*\{}
        forms=${rest%%\}*} rest=${rest#*\}}
        passed=$head
        while [ "${passed#*%s}" != "$passed" ]; do
            number=$1 passed=${passed#*%s}
            shift
        done
        if [ "$number" = 1 ]; then made=$made$head${forms%%|*}; else made=$made$head${forms#*|}; fi
    done
    text=$made$rest
}

# print_line ID [ARGUMENT...]: print the message as a line
print_line() { printf '%s\n' "$(format "$@")"; }

# say ID [ARGUMENT...]: print a message for the operator, and add it to the log of this run
say() {
    local said
    said=$(format "$@")
    [ -n "$QUIET" ] || printf '%s\n' "$said" 2>/dev/null # the reader may be gone, which ends the run as a signal
    write_log "$said"
}

# warn ID [ARGUMENT...]
warn() {
    local said
    said=$(format "$@")
    printf '%s%s%s\n' "$YELLOW" "$said" "$PLAIN" >&2
    note_told
    write_log "$said"
}

# fail EXIT_CODE ID [ARGUMENT...]: report what is wrong and what to do, and end the run
fail() {
    local fail_code
    fail_code=$1
    shift
    end_with "$fail_code" "$(format "$@")"
}

# end_with EXIT_CODE TEXT: the same for a text
end_with() {
    printf '%s%s%s\n' "$RED" "$2" "$PLAIN" >&2
    note_told
    write_log "$2"
    leave "$1"
}

# note_told: record that the operator was informed; a subshell passes this on through a file
note_told() {
    TOLD=yes
    [ -z "$SCRATCH" ] || printf '' 2>/dev/null >"$SCRATCH/told" || return 0
}

# write_log TEXT [TIME]
write_log() {
    local log_file
    # messages from before the log can be written are kept for it
    log_file=${LOG:-${SCRATCH:+$SCRATCH/early-log}}
    if [ -n "$log_file" ]; then
        # a log that cannot be written is not an error. Only errors of this command are discarded: a message printed by a
        # signal handler must be seen
        printf '%s %s\n' "${2:-$(date -u '+%Y-%m-%dT%H:%M:%SZ')}" "$1" 2>/dev/null >>"$log_file" || return 0
    fi
}

choose_colours() {
    RED='' YELLOW='' GREEN='' BOLD='' PLAIN=''
    if [ -t 1 ] && [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
        RED=$(printf '\033[31m') YELLOW=$(printf '\033[33m') GREEN=$(printf '\033[32m')
        BOLD=$(printf '\033[1m') PLAIN=$(printf '\033[0m')
    fi
}

# choose_mark: the mark shown before a finding with that `result`; sets `mark`
choose_mark() {
    case $result in
        pass) mark="${GREEN}✓$PLAIN" ;;
        fail) mark="${RED}✗$PLAIN" ;;
        warn | accepted) mark="${YELLOW}!$PLAIN" ;;
        *) mark=' ' ;;
    esac
}

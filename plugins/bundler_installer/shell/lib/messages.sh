# ---- lib/messages: every text has an id and is in one catalogue per language. `%s {file|files}`: the form that fits the
# number

# choose_language: by the locale, whose encoding is that of everything printed. The texts are UTF-8, and Chinese in simplified
# characters: a terminal that cannot show it gets English
choose_language() {
    local locale_name
    locale_name=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
    ENCODING='' LANGUAGE=en
    case $locale_name in
        *.*) ENCODING=${locale_name#*.} ENCODING=${ENCODING%%@*} ;;
        zh*) ENCODING=$(locale charmap 2>/dev/null) || ENCODING='' ;; # without a name of an encoding, the system chooses
    esac
    case $locale_name:$ENCODING in
        *:[uU][tT][fF]8 | *:[uU][tT][fF]-8 | *:ANSI_X3.4*) ENCODING='' ;; # the last is that of a locale which is not installed
        *:[gG][bB]18030) ENCODING=GB18030 ;;
        *:[gG][bB]* | *:[eE][uU][cC]*[cC][nN] | *:[cC][pP]936) ENCODING=GBK ;;
        zh*:?*) ;;
        *:[bB][iI][gG]5*) ;;
        *) ENCODING='' ;;
    esac
    choose_converter
    case $locale_name in zh*) take_language zh ;; esac
}

# choose_converter: sets CONVERTER: iconv for texts in GBK, if it knows the encoding; else ascii
choose_converter() {
    CONVERTER=''
    case $ENCODING in
        '') ;;
        GB*)
            CONVERTER=ascii
            case $(printf '\344\270\255' | iconv -f UTF-8 -t "$ENCODING" 2>/dev/null | od -An -v -tx1 | tr -d ' \n') in
                d6d0) CONVERTER='iconv' ;;
            esac
            ;;
        *) CONVERTER=ascii ;;
    esac
}

# take_language NAME: that of the messages; .UTF-8 after it prints UTF-8 whatever the locale says. Sets WITHHELD if it is
# Chinese and cannot be shown
take_language() {
    case $1 in *.UTF-8) ENCODING='' CONVERTER='' ;; esac
    LANGUAGE=${1%.UTF-8} WITHHELD=''
    case $LANGUAGE:$CONVERTER in zh:ascii) LANGUAGE=en WITHHELD=yes ;; esac
}

# explain_language: why the messages are not in Chinese
explain_language() {
    [ -n "$WITHHELD" ] || return 0
    case $ENCODING in
        GB*) warn language.no_iconv "$ENCODING" ;;
        *) warn language.no_simplified "$ENCODING" ;;
    esac
}

# convert: standard input, in UTF-8, in the encoding of the terminal. What it does not have is left out or becomes ?
convert() {
    case $CONVERTER in
        '') cat ;;
        iconv) iconv -c -f UTF-8 -t "$ENCODING" 2>/dev/null || : ;; # its status is 1 if it left something out
        *) LC_ALL=C tr '\200-\377' '?' ;;
    esac
}

# convert_text TEXT: sets `readable`: the text in that encoding. Starts no process if it is UTF-8: a run that ends because none
# can be started must be able to say so
convert_text() {
    readable=$1
    [ -z "$CONVERTER" ] || readable=$(printf '%s\n' "$1" | convert)
}

# typed_text TEXT: print what was typed on the terminal, in UTF-8
typed_text() {
    case $CONVERTER in
        iconv) printf '%s\n' "$1" | iconv -f "$ENCODING" -t UTF-8 2>/dev/null || printf '%s' "$1" ;;
        *) printf '%s' "$1" ;;
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
    local said readable=''
    stop_meter
    said=$(format "$@")
    convert_text "$said"
    [ -n "$QUIET" ] || printf '%s\n' "$readable" 2>/dev/null # the reader may be gone, which ends the run as a signal
    write_log "$said"
}

# warn ID [ARGUMENT...]
warn() {
    local said readable=''
    stop_meter
    said=$(format "$@")
    convert_text "$said"
    printf '%s%s%s\n' "$YELLOW" "$readable" "$PLAIN" >&2
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
    local readable=''
    stop_meter
    convert_text "$2"
    printf '%s%s%s\n' "$RED" "$readable" "$PLAIN" >&2
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
    local tick cross
    case $CONVERTER in
        '') tick=✓ cross=✗ ;;
        iconv) tick=√ cross=× ;; # GBK lacks the others
        *) tick=+ cross=x ;;
    esac
    case $result in
        pass) mark=$GREEN$tick$PLAIN ;;
        fail) mark=$RED$cross$PLAIN ;;
        warn | accepted) mark="${YELLOW}!$PLAIN" ;;
        *) mark=' ' ;;
    esac
}

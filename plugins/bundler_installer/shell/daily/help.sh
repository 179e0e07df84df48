# ---- daily/help: what commands and options do, from the table of `commands.py`

run_help() {
    case $WORDS in
        '') show print_help ;;
        *)
            case " $COMMANDS " in *" $WORDS "*) ;; *) fail $EXIT_USAGE options.command "$WORDS" "$COMMANDS" ;; esac
            show print_command_help "$WORDS"
            ;;
    esac
}

# print_help: a line for each command and each option
print_help() {
    local each
    print_line help.usage "$(name_program)"
    printf '\n'
    print_line help.commands
    for each in $COMMANDS; do printf '%s\t%s\n' "$each" "$(format "help.command.$each")"; done | print_columns "$SCREEN_WIDTH" 2
    printf '\n'
    print_line help.options
    # shellcheck disable=SC2086 # word splitting is intended
    list_options $OPTIONS | print_columns "$SCREEN_WIDTH" 2
    printf '\n'
    print_line help.more "$(name_program)"
    print_line help.codes
}

# print_command_help COMMAND: its usage, and its own options
print_command_help() {
    local words='' own_options=''
    describe_command "$1"
    print_line help.usage_of "$(name_program)" "$1${words:+ $(format "help.words.$words")}"
    printf '\n'
    format "help.command.$1" | print_columns "$SCREEN_WIDTH"
    if [ -n "$own_options" ]; then
        printf '\n'
        print_line help.options
        # shellcheck disable=SC2086 # word splitting is intended
        list_options $own_options | print_columns "$SCREEN_WIDTH" 2
    fi
    printf '\n'
    print_line help.common
    # shellcheck disable=SC2086 # word splitting is intended
    list_options $COMMON_OPTIONS | print_columns "$SCREEN_WIDTH" 2
}

# list_options OPTION...: lines `-n, --name VALUE<TAB>text`
list_options() {
    local each
    for each in "$@"; do
        printf '%s\t%s\n' "$(name_usage "$each")" "$(format "help.option.${each#--}")"
    done
}

# name_usage OPTION: `-n, --name VALUE`
name_usage() {
    local letter='' value_kind='' choices=''
    describe_option "$1"
    printf '%s%s' "${letter:+-$letter, }" "$1"
    case $value_kind in
        '') ;;
        choice) printf ' %s' "$choices" | tr ' ' '|' | sed 's/^|/ /' ;;
        *) printf ' %s' "$(format "help.value.$value_kind")" ;;
    esac
}

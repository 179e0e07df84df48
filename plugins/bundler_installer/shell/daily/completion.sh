# ---- daily/completion: the completion of <name>ctl for a shell, from the table of `commands.py`

run_completion() {
    case $WORDS in
        bash) show print_completion ;;
        zsh) show print_zsh_completion ;;
        *) fail $EXIT_USAGE completion.shell "$WORDS" "$(name_program)" ;;
    esac
}

# print_zsh_completion: zsh reads functions for bash with a module of its own
print_zsh_completion() {
    cat <<'EOT'
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
EOT
    print_completion
}

# print_completion: a function that offers commands, options, and what can follow them
print_completion() {
    local each function words='' own_options='' letter='' value_kind='' choices=''
    function=_$(printf '%sctl' "$NAME" | tr -c 'A-Za-z0-9_' '_')
    printf '# Completion of %sctl %s\n%s() {\n' "$NAME" "$VERSION" "$function"
    cat <<'EOT'
    local word before command options words files i
    COMPREPLY=()
    word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' options='' words='' files=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
EOT
    printf '            %s) ((i++)) ;;\n            -*) ;;\n' "$(join_valued)"
    cat <<'EOT'
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $before in
EOT
    for each in $OPTIONS; do
        describe_option "$each"
        [ -z "$value_kind" ] || printf '        %s%s) %s; return ;;\n' "$each" "${letter:+ | -$letter}" "$(print_offer "$value_kind" "$choices")"
    done
    # shellcheck disable=SC2016 # the dollar is for the printed code
    printf '    esac\n    case $command in\n        %s) words="%s" ;;\n' "''" "$COMMANDS"
    for each in $COMMANDS; do
        describe_command "$each"
        printf "        %s) options='%s'%s ;;\n" "$each" "$own_options" "$(print_words "$words")"
    done
    printf "    esac\n    options=\"\$options %s\"\n" "$COMMON_OPTIONS"
    cat <<'EOT'
    case $word in
        -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
        *)
            COMPREPLY=($(compgen -W "$words" -- "$word"))
            [ -z "$files" ] || COMPREPLY+=($(compgen -f -- "$word"))
            ;;
    esac
}
EOT
    printf 'complete -o bashdefault -F %s %sctl\n' "$function" "$NAME"
}

# join_valued: the options with a value, as a pattern
join_valued() {
    local each joined letter='' value_kind='' choices=''
    joined=''
    for each in $OPTIONS; do
        describe_option "$each"
        [ -z "$value_kind" ] || joined="$joined${joined:+ | }$each${letter:+ | -$letter}"
    done
    printf '%s' "$joined"
}

# print_offer KIND CHOICES: code that offers values of that kind
print_offer() {
    # shellcheck disable=SC2016 # dollars are for the printed code
    case $1:$2 in
        *:?*) printf "COMPREPLY=(\$(compgen -W '%s' -- \"\$word\"))" "$2" ;;
        folder:) printf 'COMPREPLY=($(compgen -d -- "$word"))' ;;
        file:) printf 'COMPREPLY=($(compgen -f -- "$word"))' ;;
        *) printf ':' ;;
    esac
}

# print_words KIND: code that sets what can follow a command. The names of services and backups are asked from the command
print_words() {
    # shellcheck disable=SC2016 # dollars are for the printed code
    case $1 in
        services) printf '; words=$("${COMP_WORDS[0]}" ps --services 2>/dev/null)' ;;
        program) printf '; [ "$before" != exec ] || words=$("${COMP_WORDS[0]}" ps --services 2>/dev/null)' ;;
        backup) printf '; files=yes words=$("${COMP_WORDS[0]}" backup --list 2>/dev/null | sed "s/ .*//")' ;;
        file) printf '; files=yes' ;;
        topic) printf "; words='%s'" "$COMMANDS" ;;
        shell) printf "; words='bash zsh'" ;;
    esac
}

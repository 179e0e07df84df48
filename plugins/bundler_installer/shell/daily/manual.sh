# ---- daily/manual: the manual page of <name>ctl for man(1), from the table of `commands.py`

print_manual() {
    local each words='' own_options=''
    printf '.TH %sCTL 8 "" "%s %s"\n' "$(printf '%s' "$NAME" | tr '[:lower:]' '[:upper:]')" "$NAME" "$VERSION"
    print_heading man.name
    printf '%sctl \\- ' "$NAME"
    print_text "$(format man.does "$TITLE")"
    print_heading man.synopsis
    printf '.B %sctl\n' "$NAME"
    print_text "$(format man.usage)"
    print_heading man.commands
    print_text "$(format man.default)"
    for each in $COMMANDS; do
        describe_command "$each"
        printf '.TP\n'
        print_term "$each" "${words:+ $(format "help.words.$words")}"
        print_text "$(format "help.command.$each")"
        if [ -n "$own_options" ]; then
            printf '.br\n'
            print_text "$(format man.takes "$own_options")"
        fi
    done
    print_heading man.options
    for each in $OPTIONS; do
        printf '.TP\n'
        print_term "$(name_usage "$each")" ''
        print_text "$(format "help.option.${each#--}")"
    done
    print_heading man.status
    print_text "$(format help.codes)"
    print_heading man.files
    printf '.TP\n'
    print_term "$ROOT" ''
    print_text "$(format man.root)"
}

print_heading() { printf '.SH "%s"\n' "$(format "$1")"; }

# print_term TERM REST: what the next text explains
print_term() { printf '\\fB%s\\fR%s\n' "$(printf '%s' "$1" | escape_roff)" "$(printf '%s' "$2" | escape_roff)"; }

# print_text TEXT: a line of text
print_text() { printf '%s\n' "$1" | escape_roff; }

# escape_roff: a leading dot or quote would be a request, and a bare - is a hyphen, which cannot be searched for
escape_roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }

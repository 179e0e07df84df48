# ---- change/page: what a first installation shows on a terminal: a line for each answer, with its number and the option that
# gives the same. Lines are plain text, which a screen reader can read

# list_items: the lines of the page, in order; a certificate, its key and whether it is made here are one
list_items() {
    local name='' kind='' generator=''
    keep "$SCRATCH/page-variables" rows variables.tsv
    {
        printf 'language\t-\nfolder\t-\n'
        while read_variable name kind generator; do
            if [ "$kind" = secret ] && [ "$generator" != - ]; then continue; fi
            if [ -n "$(look_up certificates.tsv certificate "$name" host)" ]; then
                printf 'certificate\t%s\n' "$name"
            elif [ -z "$(look_up certificates.tsv key "$name" host)$(look_up certificates.tsv self_signed "$name" host)" ]; then
                printf 'variable\t%s\n' "$name"
            fi
        done <"$SCRATCH/page-variables"
    } >"$SCRATCH/page" || lose_scratch
}

# find_variable: the variable of the line that was read; sets `kind`, `required`, `generator`, `choices`,
# default_is, `ask` and `prompt`
find_variable() {
    local prompt_en='' prompt_zh=''
    read_variable kind required generator choices prompt_en prompt_zh default_is ask <<EOT
$(awk -F "$TAB" -v name="$name" "$AWK_VARIABLE"'$VARIABLE["name"] == name { print; exit }' "$FACTS/variables.tsv")
EOT
    choose_prompt
}

# print_page: every line, with its number
print_page() {
    local number what='' name='' width=''
    find_width
    number=0
    while read_page_item what name <&5; do
        number=$((number + 1))
        printf '%s.\t%s\n' "$number" "$(describe_item)" || lose_scratch
    done 5<"$SCRATCH/page" >"$SCRATCH/page-lines"
    {
        printf '\n%s\n' "$(format page.title "$TITLE" "$VERSION")"
        format page.explain | print_columns "$width"
        print_columns "$width" <"$SCRATCH/page-lines"
    } >"$SCRATCH/page-text" || lose_scratch
    show_file "$SCRATCH/page-text" >&2
}

# find_width: sets `width`: columns of the terminal
find_width() {
    width=$(stty size </dev/tty 2>/dev/null | cut -d ' ' -f 2)
    if ! is_number "$width" || [ "$width" -lt 20 ]; then width=$SCREEN_WIDTH; fi
}

# describe_item: print the line that was read: what it is, its answer, and the option that gives the same
describe_item() {
    local label shown='' kind='' required='' generator='' choices='' prompt='' default_is='' ask=''
    case $what in
        language) format page.item "$(format page.language)" "$(format page.language_name)" "--lang $LANGUAGE" ;;
        folder) format page.item "$(format page.folder)" "$ROOT" "--root $(quote_word "$ROOT")" ;;
        certificate) describe_certificate ;;
        variable)
            find_variable
            find_shown
            label=$name
            [ "$prompt" = "$name" ] || label=$(format page.label "$prompt" "$name")
            [ "$choices" = - ] || label="$label ($choices)"
            format page.item "$label" "$(describe_shown)" "$(name_option_of)"
            ;;
    esac
}

# find_shown: sets `shown`: the value of the variable that was found, as it is printed; empty if there is none
find_shown() {
    shown=''
    if [ -f "$VALUES/$name" ]; then
        if [ "$kind" = secret ]; then shown=$(format page.entered); else shown=$(print_plain "$(value "$name")"); fi
    elif [ "$generator" = fqdn ]; then
        shown=$(full_name)
    elif [ "$generator" != - ]; then
        shown=$(format variables.generated)
    fi
}

# describe_shown: print that value, and where it comes from
describe_shown() {
    local described
    if [ -f "$VALUES/$name" ]; then
        described=${shown:-$(format page.empty)}
        if is_default "$name"; then format page.default "$described"; else printf '%s' "$described"; fi
    elif [ "$generator" = fqdn ]; then
        format page.server "$shown"
    elif [ "$generator" != - ]; then
        printf '%s' "$shown"
    elif [ "$required" = yes ]; then
        format page.needed
    elif [ "$default_is" != - ]; then
        format page.default "$(print_plain "$default_is")"
    else
        format page.none
    fi
}

# name_option_of: print the option that gives the same answer
name_option_of() {
    local option_value
    if [ "$kind" = secret ]; then
        format page.in_file "$name"
        return 0
    fi
    option_value=$(value "$name") || option_value=$(show_example)
    if [ "$choices" != - ] && [ ! -f "$VALUES/$name" ]; then option_value=${choices%%,*}; fi
    print_plain "--set $name=$(quote_word "$option_value")"
}

# print_plain TEXT: one line of it, for a terminal
print_plain() { printf '%s\n' "$1" | show_plain | tr -d '\n'; }

# quote_word TEXT: print it as a shell reads it as one word
quote_word() {
    case $1 in
        '' | *[!A-Za-z0-9_./:@%+=,-]*) printf "'%s'" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")" ;;
        *) printf '%s' "$1" ;;
    esac
}

# find_certificate: that of the line that was read; sets `host`, `certificate`, `key`, self_signed,
# certificate_path and key_path
find_certificate() {
    read_certificate host certificate key self_signed certificate_path key_path <<EOT
$(rows certificates.tsv | awk -F "$TAB" -v name="$name" "$AWK_CERTIFICATE"'$CERTIFICATE["certificate"] == name { print; exit }')
EOT
}

describe_certificate() {
    local host='' certificate='' key='' self_signed='' certificate_path='' key_path='' shown='' option=''
    find_certificate
    find_shown_certificate
    option="--set $self_signed=true"
    if [ -n "$(value "$certificate")" ]; then
        option="--set $certificate=$(quote_word "$(value "$certificate")") --set $key=$(quote_word "$(value "$key")")"
    fi
    [ -n "$shown" ] || shown=$(format page.needed)
    format page.item "$(format page.certificate "$(value "$host" || full_name)")" "$shown" "$(print_plain "$option")"
}

# find_shown_certificate: sets `shown`: what was chosen, empty if nothing was
find_shown_certificate() {
    shown=''
    if [ -n "$(value "$certificate")$(value "$key")" ]; then
        shown=$(print_plain "$(value "$certificate"), $(value "$key")")
    elif [ "$(value "$self_signed")" = true ]; then
        shown=$(format page.self_signed)
    fi
}

# show_item: print the line that was read, as it is now
show_item() {
    local width=''
    find_width
    printf '%s.\t%s\n' "$number" "$(describe_item)" | print_columns "$width" >"$SCRATCH/page-text" || lose_scratch
    show_file "$SCRATCH/page-text" >&2
}

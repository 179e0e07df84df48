# ---- site/templates: @@NAME@@ is replaced by the site's value, quoted for the file's format and the position in it, or the
# value is refused

# check_templates: fill all templates with the values of this run before anything changes; all refused values are reported at
# once
check_templates() {
    local draft blank path='' format=''
    keep "$SCRATCH/templates" rows templates.tsv
    [ -s "$SCRATCH/templates" ] || return 0
    draft=$SCRATCH/trial
    (umask 077 && mkdir -p "$draft" && write_draft) || leave $EXIT_FAILED
    blank=$HERE/.pristine
    if [ -z "$INSTALLED" ] && [ ! -d "$blank" ]; then
        cut_column templates.tsv path <"$SCRATCH/templates" >"$SCRATCH/template-names" || lose_scratch
        awk 'NR == FNR { wanted[$0]; next } substr($0, 67) in wanted' "$SCRATCH/template-names" "$FACTS/SHA256SUMS" \
            >"$SCRATCH/template-sums" || lose_scratch
        copy_listed "$SCRATCH/template-sums" "$draft"
        blank=$draft/config
    fi
    empty_file "$SCRATCH/refused"
    while read_template path format; do
        fill_template "$blank/${path#config/}" "$path" "$format" "$draft/filled" || fail_template
    done <"$SCRATCH/templates"
    [ ! -s "$SCRATCH/refused" ] || explain_refused
}

# fail_template: a variable does not exist, or there is no free space
fail_template() {
    [ ! -s "$SCRATCH/template-error" ] || fail $EXIT_FAILED release.template "$(cat "$SCRATCH/template-error")"
    scratch_has_room || lose_scratch
    fail $EXIT_FAILED release.disk "$ROOT"
}

# explain_refused: which values are refused, where, and what they must not contain; values of secrets are not shown
explain_refused() {
    local path='' form='' number='' name='' reason='' piece=''
    while read_refused_value path form number name reason piece; do
        printf '  %s\n' "$(format "templates.$reason" "$path:$number" "$name" "$form" ${piece:+"$piece"})"
    done <"$SCRATCH/refused" >"$SCRATCH/refused.said" || lose_scratch
    fail $EXIT_USAGE templates.refused "$(cat "$SCRATCH/refused.said")"
}

# fill_template FILE PATH FORMAT TARGET: write the filled file, private. $SCRATCH/refused, which must exist, gets refused
# values; an unknown name is an error, and so is an incomplete output file, which not every awk reports
fill_template() {
    local whole filled_bytes denied
    empty_file "$SCRATCH/template-error"
    keep "$SCRATCH/filler" print_program "$3"
    whole=yes
    [ -z "$(tail -c 1 "$1")" ] || whole='' # the last line has no line break, and gets none
    [ -f "$SCRATCH/unanswered" ] || empty_file "$SCRATCH/unanswered"
    rm -f "$SCRATCH/filled-bytes"
    awk -v values="$SCRATCH/template-values" -v unanswered="$SCRATCH/unanswered" -v refused="$SCRATCH/refused" \
        -v path="$2" -v form="$3" -v whole="$whole" -v total="$SCRATCH/filled-bytes" -f "$SCRATCH/filler" "$1" \
        2>"$SCRATCH/template-error" >"$SCRATCH/filled" || return 1
    read -r filled_bytes denied <"$SCRATCH/filled-bytes" || return 1
    [ "$(wc -c <"$SCRATCH/filled")" -eq "$filled_bytes" ] || return 1
    [ "$denied" = 0 ] || [ -s "$SCRATCH/refused" ] || return 1
    (umask 077 && cat "$SCRATCH/filled" >"$4")
}

# print_program FORMAT: the awk program that fills files of that format
print_program() {
    local quoting
    case $1 in
        nginx) quoting=$PROGRAM_FORMATS_NGINX ;;
        shell) quoting=$PROGRAM_FORMATS_SHELL ;;
        yaml) quoting=$PROGRAM_FORMATS_YAML ;;
        json) quoting=$PROGRAM_FORMATS_JSON ;;
        toml) quoting=$PROGRAM_FORMATS_TOML ;;
        properties) quoting=$PROGRAM_FORMATS_PROPERTIES ;;
        env) quoting=$PROGRAM_FORMATS_ENV ;;
        ini) quoting=$PROGRAM_FORMATS_INI ;;
        xml | html) quoting=$PROGRAM_FORMATS_MARKUP ;;
        text) quoting=$PROGRAM_FORMATS_TEXT ;;
        *) return 1 ;;
    esac
    printf '%s%s%s' "$PROGRAM_LIB_BYTES" "$PROGRAM_SITE_TEMPLATE" "$quoting"
}

# ---- bundle/forms: names, paths and numbers in the tables are checked before any of them is used. This applies to signed
# tables as well: a builder that was deceived signs what it was given

# check_forms: check every field of every table in FACTS
check_forms() {
    local verdict
    list_forms >"$SCRATCH/forms" || lose_scratch
    (cd -- "$FACTS" && awk -F "$TAB" -v forms="$SCRATCH/forms" "$AWK_VARIABLE$PROGRAM_LIB_MARKS$PROGRAM_BUNDLE_FORMS" ./bundle.env ./*.tsv) >"$SCRATCH/forms-verdict" || lose_scratch
    IFS= read -r verdict <"$SCRATCH/forms-verdict" || lose_scratch
    [ "$verdict" = ok ] || refuse facts.form "$(printf '%s' "$verdict" | show_plain)"
}

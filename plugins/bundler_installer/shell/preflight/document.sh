# ---- preflight/document: what the Compose document asks of this server, with the operator's answers in place

# resolve_document: write the lines of document.tsv to `features`, with variables replaced by their values
resolve_document() {
    local asked
    empty_file "$SCRATCH/features"
    [ -f "$FACTS/document.tsv" ] || return 0 # a release that an older version made
    asked=$(rows variables.tsv | awk -F "$TAB" "$AWK_VARIABLE"'$VARIABLE["required"] == "yes" { printf "%s ", $VARIABLE["name"] }')
    keep "$SCRATCH/document" rows document.tsv
    awk -F "$TAB" -v folder="$VALUES" -v asked=" $asked" "$AWK_FEATURE$PROGRAM_PREFLIGHT_DOCUMENT" \
        "$SCRATCH/document" >"$SCRATCH/features" || lose_scratch
}

# select_features WHAT...: write the lines of these kinds to `selected`; if there are none, the check does not apply
select_features() {
    awk -F "$TAB" -v kinds=" $* " "$AWK_FEATURE"'index(kinds, " " $FEATURE["what"] " ")' "$SCRATCH/features" \
        >"$SCRATCH/selected" || lose_scratch
    [ -s "$SCRATCH/selected" ] || {
        check pass -
        return 1
    }
}

# name_feature SERVICE VALUE: as the results show it
name_feature() { if [ "$1" = - ]; then printf '%s' "$2"; else printf '%s (%s)' "$2" "$1"; fi; }

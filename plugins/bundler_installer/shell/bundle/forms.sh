# ---- bundle/forms: names, paths and numbers of the tables are what they should be before one of them is used. Signed tables too:
# a builder that was tricked signs what it was given

# check_forms: every field of every table in FACTS
check_forms() {
    local verdict
    list_forms >"$SCRATCH/forms" || lose_scratch
    (cd -- "$FACTS" && awk -F "$TAB" -v forms="$SCRATCH/forms" "$AWK_VARIABLE"'
        function refuse(what) { printf "%s:%d: %s\n", table, FNR, what; refused = 1; exit 0 }
        BEGIN {
            while ((getline line < forms) > 0) {
                if (split(line, part, "\t") != 4) exit 3
                if (part[2] > columns[part[1]]) columns[part[1]] = part[2]
                optional[part[1], part[2]] = part[3]
                expression[part[1], part[2]] = part[4]
                known++
            }
            if (!known) exit 3
        }
        FNR == 1 { table = substr(FILENAME, 3) }
        /[\001-\010\013-\037\177]/ || /\302[\200-\237]/ || /\330\234/ || /\342\200[\216\217\252-\256]/ || /\342\201[\246-\251]/ {
            refuse("?")
        }
        table == "bundle.env" {
            if ($0 !~ /^[a-z_]+=/ || /\t/) refuse("?")
            key = substr($0, 1, index($0, "=") - 1)
            if (key in keys) refuse(key)
            if (key ~ /(^created|_bytes|_timeout|^window|^counter|^expires|^grace|_keep)$/ && $0 !~ /=(-|0|[1-9][0-9]*)$/) refuse(key)
            keys[key]
            next
        }
        !(table in columns) { next } # a table of another version: nothing reads it
        /^#/ { if (FNR > 1) refuse("#"); next }
        {
            if (NF != columns[table]) refuse("?")
            for (i = 1; i <= NF; i++) {
                if ($i == "-" && optional[table, i] == "yes") continue
                if (length($i) > 65536 || $i !~ expression[table, i]) refuse($i)
                if (table == "variables.tsv" && i == VARIABLE["name"] && ($i in names)) refuse($i)
                if (expression[table, i] == "^((0|[1-9][0-9]*))$" && length($i) > 15) refuse($i)
            }
            if (table == "variables.tsv") names[$VARIABLE["name"]]
        }
        END { if (!refused) print "ok" }' ./bundle.env ./*.tsv) >"$SCRATCH/forms-verdict" || lose_scratch
    IFS= read -r verdict <"$SCRATCH/forms-verdict" || lose_scratch
    [ "$verdict" = ok ] || refuse facts.form "$(printf '%s' "$verdict" | show_plain)"
}

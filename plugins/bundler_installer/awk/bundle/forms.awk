# Reads bundle.env and the tables, and from the file `forms`: table, column, whether `-` is allowed, expression. Writes `ok`,
# or table, line and value of the first invalid field. Requires lib/marks.

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
/[\001-\010\013-\037\177]/ || has_marks($0) { refuse("?") }
table == "bundle.env" {
    if ($0 !~ /^[a-z_]+=/ || /\t/) refuse("?")
    key = substr($0, 1, index($0, "=") - 1)
    if (key in keys) refuse(key)
    if (key ~ /(^created|_bytes|_timeout|^window|^counter|^expires|^grace|_keep)$/ && $0 !~ /=(-|0|[1-9][0-9]*)$/) refuse(key)
    keys[key]
    next
}
!(table in columns) { next } # a table of another version, which is not read
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
END { if (!refused) print "ok" }

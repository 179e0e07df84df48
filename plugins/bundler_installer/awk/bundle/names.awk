# Reads the paths listed in SHA256SUMS, then the paths that exist. Writes `ok`, `extra PATH` or `missing PATH`.

BEGIN { known["SHA256SUMS"]; known["SHA256SUMS.sig"]; known["SHA256SUMS.pub"] }
NR == FNR { known[$0]; wanted[$0]; left++; next }
!($0 in known) { extra = $0; exit }
$0 in wanted { delete wanted[$0]; left-- }
END {
    if (extra != "") { print "extra " extra; exit }
    for (path in wanted) { print "missing " path; exit }
    if (left == 0) print "ok"
}

# Writes the rate in bytes a second, the seconds left, - for what is unknown, and the samples (time:bytes) of the last 15
# seconds, at least one of them. Times are in hundredths of a second.

BEGIN {
    if (bytes == "-") { print "-\t-\t" samples; exit }
    n = split(samples, sample, " ")
    for (first = 1; first < n; first++) {
        split(sample[first], f, ":")
        if (now - f[1] <= 1500) break
    }
    split(sample[first], f, ":")
    rate = now > f[1] && bytes > f[2] ? (bytes - f[2]) * 100 / (now - f[1]) : 0
    left = "-"
    if (total != "-" && rate > 0 && total >= bytes + 0) {
        left = (total - bytes) / rate
        left = left < 359999 ? int(left) + (left > int(left)) : "-"
    }
    for (kept = ""; first <= n; first++) kept = kept sample[first] " "
    printf "%.0f\t%s\t%s%.0f:%.0f\n", rate, left, kept, now, bytes
}

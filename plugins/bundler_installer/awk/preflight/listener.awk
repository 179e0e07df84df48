# Reads /proc/net/tcp or udp, and tcp6 or udp6. Writes the inode of the first socket that conflicts with `port` at
# `address`: an IPv4 address, an IPv6 address as 32 hex digits, or any other text for all addresses.

BEGIN {
    for (i = 0; i < 16; i++) digit[substr("0123456789ABCDEF", i + 1, 1)] = i
    if (split(address, part, ".") == 4 && address != "0.0.0.0") {
        wanted = sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])
        mapped = "0000000000000000FFFF0000" wanted
    } else if (length(address) == 32 && address !~ /^0+$/) {
        # the kernel writes four words of a little-endian machine
        for (i = 1; i < 32; i += 8) for (k = 6; k >= 0; k -= 2) wanted = wanted toupper(substr(address, i + k, 2))
    }
}
protocol == "udp" || $4 == "0A" {
    n = split($2, pair, ":"); value = 0
    for (i = 1; i <= length(pair[n]); i++) value = value * 16 + digit[substr(pair[n], i, 1)]
    if (value != port + 0) next
    # a socket at a specific address conflicts only with that address; one at all zeros conflicts with every address
    if (wanted != "" && pair[1] != wanted && pair[1] != mapped && pair[1] !~ /^0+$/) next
    print $10; exit
}

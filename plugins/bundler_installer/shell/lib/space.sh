# ---- lib/space: how many bytes are free and needed; some shells count to 2^31 only, so awk does the arithmetic

# count_bytes FOLDER: its size on the disk
count_bytes() { du -sk "$1" 2>/dev/null | awk '{ kib = $1 } END { printf "%.0f\n", kib * 1024 }'; }

# free_bytes FOLDER
free_bytes() { df -Pk "$1" | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }'; }

# too_little NEED FREE: whether NEED exceeds FREE, both in bytes
too_little() { awk -v need="$1" -v free="$2" 'BEGIN { exit !(free < need) }'; }

# add_bytes NUMBER NUMBER
add_bytes() { awk -v one="$1" -v other="$2" 'BEGIN { printf "%.0f\n", one + other }'; }

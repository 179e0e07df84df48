# ---- lib/space: how many bytes there are and are needed; a shell may count to 2^31 only

# count_bytes FOLDER: what it takes on the disk
count_bytes() { du -sk "$1" 2>/dev/null | awk '{ kib = $1 } END { printf "%.0f\n", kib * 1024 }'; }

# free_bytes FOLDER
free_bytes() { df -Pk "$1" | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }'; }

# too_little NEED FREE: in bytes; shells may count to 2^31 only
too_little() { awk -v need="$1" -v free="$2" 'BEGIN { exit !(free < need) }'; }

# add_bytes NUMBER NUMBER: likewise
add_bytes() { awk -v one="$1" -v other="$2" 'BEGIN { printf "%.0f\n", one + other }'; }

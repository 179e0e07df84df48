# ---- preflight/addresses: addresses of this server, on which ports are published

# measure_address: each address of a port must belong to this server
measure_address() {
    local shown service='' address='' port='' seen=''
    keep "$SCRATCH/ports" rows ports.tsv
    list_addresses >"$SCRATCH/addresses"
    seen=' '
    while read_port service address port; do
        address=$(expand_address "$address" "$port")
        case $address in '' | - | 0.0.0.0 | :: | 127.* | ::1) continue ;; esac
        case $seen in *" $address "*) continue ;; esac
        seen="$seen$address "
        shown=$(name_feature "$service" "$address")
        if [ ! -s "$SCRATCH/addresses" ]; then
            check warn "$shown: $(format checks.unknown)" "$(format checks.own_address)"
        elif grep -qxF -e "$(printf '%s' "$address" | spell_out)" "$SCRATCH/addresses"; then
            check pass "$shown" "$(format checks.own_address)"
        elif [ "$(read_line /proc/sys/net/ipv4/ip_nonlocal_bind)" = 1 ]; then
            check warn "$shown: $(format checks.none)" "$(format checks.own_address)" # of a cluster, perhaps on another node
        else
            check fail "$shown: $(format checks.none)" "$(format checks.own_address)"
        fi
    done <"$SCRATCH/ports"
    [ "$seen" != ' ' ] || check pass -
}

# list_addresses: from the kernel's tables, because `ip` is not available everywhere; one per line, IPv6 as 32 hex digits
list_addresses() {
    awk '
        $1 == "|--" || $1 == "+--" { address = $2 }
        / host LOCAL/ { sub(/\/.*/, "", address); if (!(address in seen)) { seen[address]; print address } }' \
        "$PROBE_ROOT/proc/net/fib_trie" 2>/dev/null
    awk '{ print $1 }' "$PROBE_ROOT/proc/net/if_inet6" 2>/dev/null
}

# spell_out: an IPv6 address on standard input as 32 hex digits; any other text unchanged
spell_out() { awk "$PROGRAM_PREFLIGHT_ADDRESS"; }

# ---- preflight/expiry: the last day on which a bundle may be installed. Installed releases keep running, and a rollback to
# them stays possible

# read_expiry: sets EXPIRES, LAST (with the grace period) and EXPIRY: none, valid, grace, expired, or unknown without a clock
read_expiry() {
    local now
    EXPIRES=$(fact expires) GRACE=$(fact grace) LAST=0 EXPIRY=none
    case $EXPIRES in
        '' | -)
            EXPIRES='' GRACE=0
            return 0
            ;;
    esac
    { is_counter "$EXPIRES" && is_counter "$GRACE"; } || refuse_table "expires=$EXPIRES"
    LAST=$(awk -v a="$EXPIRES" -v b="$GRACE" 'BEGIN { printf "%.0f", a + b }')
    now=$(probe date +%s)
    if ! is_number "$now"; then
        EXPIRY=unknown
    elif below "$now" "$EXPIRES"; then
        EXPIRY=valid
    elif below "$now" "$LAST"; then
        EXPIRY=grace
    else
        EXPIRY=expired
    fi
}

measure_expiry() {
    read_expiry
    case $EXPIRY in
        none) check pass "$(format checks.none)" ;;
        valid) check pass "$(format checks.until "$(show_time "$EXPIRES")")" ;;
        grace) check warn "$(format checks.until "$(show_time "$EXPIRES")")" - "$(format remedy.expiry_grace "$(show_time "$LAST")")" ;;
        unknown) check fail "$(format checks.unknown)" "$(format checks.until "$(show_time "$EXPIRES")")" "$(format remedy.clock)" ;;
        *) check fail "$(format checks.until "$(show_time "$EXPIRES")")" ;;
    esac
}

# ---- uninstall: what runs goes, what the application keeps stays, unless it is named

run_uninstall() {
    [ -d "$ROOT/state" ] || fail $EXIT_FAILED facts.none "$ROOT"
    kept=''
    for each in data volumes secrets images; do
        purges "$each" || kept="$kept $each"
    done
    say uninstall.start "$TITLE" "$ROOT" "${PURGE:- -}" "$kept"
    ask uninstall.ask || fail $EXIT_FAILED uninstall.no
    take_lock
    RELEASE=-
    if [ -d "$CURRENT/config" ]; then
        use_installed
        record begin uninstall
        if purges volumes; then set -- --volumes; else set --; fi
        compose down --remove-orphans "$@" >"$SCRATCH/down" 2>&1 ||
            fail $EXIT_FAILED services.stop "$(redact <"$SCRATCH/down" | tail -n 3)"
        if purges images; then
            rows images.tsv | while IFS="$TAB" read -r reference _; do
                docker image rm "$reference" >/dev/null 2>&1 || warn uninstall.image_kept "$reference"
            done
        fi
    fi
    # the rest goes in an order in which a second run can finish what a first one began
    if purges data; then rm -rf "${ROOT:?}/data"; fi
    if purges secrets; then rm -f "$ROOT/secrets.env" "$ROOT/site.env"; fi
    rm -rf "${ROOT:?}/releases" "$ROOT/${NAME}ctl"
    rm -f "$CURRENT" "$ROOT/state/compose.env"
    record end uninstall
    if purges data && purges secrets && [ ! -d "$ROOT/backups" ]; then
        release_lock
        LOG=''
        rm -rf "${ROOT:?}/state" "$ROOT/log"
        rmdir "$ROOT" 2>/dev/null || :
    fi
    say uninstall.done
    [ ! -d "$ROOT" ] || say uninstall.left "$ROOT"
}

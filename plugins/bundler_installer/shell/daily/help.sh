# ---- daily/help: a line per command, a line per option

OPTIONS='root key require rotation answers set unset yes lang json strict accept report probe timeout tail output keep encrypt passphrase-file backup-key show-key reason purge edits no-backup allow-downgrade no-keep-blobs keep-data forward from dry-run confirm back allow-unsigned install-engine'

print_help() {
    local each
    print_line help.usage
    printf '\n'
    print_line help.commands
    for each in $COMMANDS; do print_line "help.command.$each"; done
    printf '\n'
    print_line help.options
    for each in $OPTIONS; do print_line "help.option.$each"; done
    printf '\n'
    print_line help.codes
}

print_line() { printf '%s\n' "$(format "$1")"; }

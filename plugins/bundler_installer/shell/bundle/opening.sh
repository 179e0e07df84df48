# ---- bundle/opening: the small files of an unpacked bundle are read once, into a private folder, and used only from there,
# after SHA256SUMS proved to be signed and to match them. So nobody can change a file between its check and its use

SMALL=67108864 # size limit of each of them in bytes

# open_bundle: sets FACTS, TOTAL, NAME and ROOT; $SCRATCH/signed has the paths that SHA256SUMS lists
open_bundle() {
    local each
    FACTS=$SCRATCH/bundle
    (umask 077 && mkdir "$FACTS") || lose_scratch
    for each in SHA256SUMS SHA256SUMS.sig SHA256SUMS.pub; do
        if [ -e "$HERE/$each" ] || [ -L "$HERE/$each" ]; then take_small "$each"; fi
    done
    [ -f "$FACTS/SHA256SUMS" ] || refuse verify.no_sums
    [ -s "$FACTS/SHA256SUMS" ] || refuse verify.bad_sums
    list_sums
    take_tables
    name_root
    find_given_files
    if ! is_mistaken; then # otherwise the run ends with its mistakes
        verify_signature
        JUDGED=yes
    fi
    check_forms
}

# find_given_files: before an installation, files of options that do not exist are mistakes like others
find_given_files() {
    local file each
    [ "$COMMAND" = install ] || return 0
    gather_mistakes
    for each in "$KEY" "$ROTATIONS"; do
        [ -n "$each" ] || continue
        printf '%s\n' "$each" >"$SCRATCH/given-files" || lose_scratch
        while IFS= read -r file; do
            if [ -f "$file" ] && [ -r "$file" ]; then continue; fi
            if [ "$each" = "$KEY" ]; then mistake verify.no_key_file "$file"; else mistake trust.no_file "$file"; fi
        done <"$SCRATCH/given-files"
    done
    if [ -n "$PASSPHRASE_FILE" ] && { [ ! -f "$PASSPHRASE_FILE" ] || [ ! -r "$PASSPHRASE_FILE" ]; }; then
        mistake crypt.no_file "$PASSPHRASE_FILE"
    fi
}

# take_small NAME: copy the file to FACTS
take_small() {
    local small_bytes
    if [ -L "$HERE/$1" ] || [ ! -f "$HERE/$1" ]; then refuse verify.special "$1"; fi
    small_bytes=$(wc -c <"$HERE/$1") || blame_file "$1"
    small_bytes=${small_bytes##* } # some versions of wc indent the number
    is_number "$small_bytes" || lose_scratch
    [ "$small_bytes" -le "$SMALL" ] || refuse verify.bad_sums
    cat -- "$HERE/$1" >"$FACTS/$1" || blame_file "$1"
    # NUL bytes: some programs end a line there, others drop them
    tr -d '\000' <"$FACTS/$1" >"$SCRATCH/text" || lose_scratch
    cmp -s "$SCRATCH/text" "$FACTS/$1"
    case $? in
        0) ;;
        1) refuse facts.form "$1" ;;
        *) lose_scratch ;;
    esac
}

# blame_file NAME: report why it could not be copied: it cannot be read, or there is no free space
blame_file() {
    cat -- "$HERE/$1" >/dev/null 2>&1 && lose_scratch
    refuse verify.unreadable "$HERE"
}

# take_tables: copy every listed file at the top level or below keys/, and check it against the list: the tables, this
# program, bundle.json
take_tables() {
    local each taken line wanted_sums=''
    awk '{ path = substr($0, 67) } path !~ /\// || path ~ /^keys\/[^\/]+$/' "$FACTS/SHA256SUMS" >"$SCRATCH/small" || lose_scratch
    for each in install bundle.env variables.tsv; do
        grep -q "^[0-9a-f]*  $each\$" "$SCRATCH/small" || {
            [ $? -eq 1 ] || lose_scratch
            refuse verify.missing "$each"
        }
    done
    taken=0
    while IFS= read -r line; do
        each=${line#*  } taken=$((taken + 1))
        case $each in keys/*) mkdir -p "$FACTS/keys" || lose_scratch ;; esac
        [ -e "$HERE/$each" ] || [ -L "$HERE/$each" ] || refuse verify.missing "$each"
        take_small "$each"
    done <"$SCRATCH/small"
    [ "$(wc -l <"$SCRATCH/small")" -eq "$taken" ] || lose_scratch
    match_sums "$SCRATCH/small" "$FACTS" || blame_sums $? "$FACTS"
}

# find_installation: whether this is an installed release, which is not verified again. It is one only if the user called it
# by that path: as <root>/current/install, as <name>ctl does, or as <root>/releases/<id>/install. The location of the folder
# proves nothing: a bundle may be delivered with such folders around it and be reached through a link
find_installation() {
    local own_root named_root
    case $HERE in */releases/*) ;; *) return 0 ;; esac
    own_root=${HERE%/*}
    case $own_root in */releases) own_root=${own_root%/releases} ;; *) return 0 ;; esac
    [ -d "$own_root/state" ] || return 0
    case $0 in
        */current/install) named_root=$(cd -P -- "${0%/current/install}/" 2>/dev/null && pwd -P) || return 0 ;;
        /*/releases/*/install)
            [ "${0%/install}" = "$HERE" ] || return 0
            named_root=$own_root
            ;;
        *) return 0 ;;
    esac
    [ "$named_root" = "$own_root" ] || return 0
    INSTALLED=yes
    if [ -z "$ROOT" ]; then
        ROOT=$own_root
    else
        named_root=$(cd -P -- "$ROOT" 2>/dev/null && pwd -P)
        [ "$named_root" = "$own_root" ] || fail $EXIT_USAGE facts.other_root "$own_root" "$ROOT"
    fi
}

# find_bundle: the folder of this file, and whether it is a bundle or an installed release
find_bundle() {
    case $0 in
        */*) HERE=${0%/*} ;;
        *) HERE=. ;;
    esac
    HERE=$(cd -- "${HERE:-/}" && pwd -P) || fail $EXIT_FAILED facts.folder
    [ -f "$HERE/bundle.env" ] || fail $EXIT_FAILED facts.bundle "$HERE"
    INSTALLED=''
    find_installation
    if [ -n "$INSTALLED" ]; then
        FACTS=$HERE
        name_root
        walk_path "$HERE"
    else
        open_bundle
    fi
    read_facts
}

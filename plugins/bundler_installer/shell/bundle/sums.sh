# ---- bundle/sums: SHA256SUMS is a list of digests and paths, and the files match it

# list_sums: SHA256SUMS is a list of digests and of paths that stay distinct on any file system; the paths go to
# $SCRATCH/signed
list_sums() {
    local each
    case $(tail -c 1 "$FACTS/SHA256SUMS" | tr '\n' x) in
        x) ;;
        '') lose_scratch ;;
        *) refuse verify.bad_sums ;;
    esac
    list_folds >"$SCRATCH/folds" || lose_scratch
    awk -v folds="$SCRATCH/folds" "$PROGRAM_LIB_MARKS$PROGRAM_BUNDLE_PATHS" "$FACTS/SHA256SUMS" >"$SCRATCH/sums-verdict" || lose_scratch
    case $(sed -n '$p' "$SCRATCH/sums-verdict") in
        'ok '*) ;;
        'bad '*) refuse verify.bad_sums ;;
        *) lose_scratch ;;
    esac
    TOTAL=$(sed -n '$s/^ok //p' "$SCRATCH/sums-verdict") || lose_scratch
    sed '$d' "$SCRATCH/sums-verdict" >"$SCRATCH/signed" || lose_scratch
    is_number "$TOTAL" || lose_scratch
    for each in "$SCRATCH/signed" "$FACTS/SHA256SUMS"; do
        [ "$(wc -l <"$each")" -eq "$TOTAL" ] || lose_scratch
    done
    [ "$TOTAL" -gt 0 ] || refuse verify.bad_sums
}

# match_sums LINES FOLDER: sets `wanted_sums` to the number of lines; checks that the files below FOLDER have the digests in
# the file LINES, which has lines of SHA256SUMS. The status is 0 only if as many files were hashed as there are lines. 1: a
# file differs, its path is in LINES.bad; 3: a file cannot be read; 2: there was no free space, or a program failed
match_sums() {
    local verdict
    { cut -c 67- "$1" >"$1.paths" && sed 's|^|./|' "$1.paths" >"$1.names" && tr '\n' '\0' <"$1.names" >"$1.null"; } || return 2
    wanted_sums=$(wc -l <"$1") || return 2
    [ "$wanted_sums" -gt 0 ] || return 2
    # a program that does not notice a read error prints no names or only some
    [ "$(wc -l <"$1.names")" -eq "$wanted_sums" ] && [ "$(tr -cd '\0' <"$1.null" | wc -c)" -eq "$wanted_sums" ] || return 2
    (cd -- "$2" && hash_files <"$1.null") >"$1.digests" 2>"$1.errors" || {
        # if the files can be read now, reading was not the reason
        (cd -- "$2" && xargs -0 cat <"$1.null") >/dev/null 2>&1 && return 2
        return 3
    }
    awk -v found="$1.digests" "$PROGRAM_BUNDLE_DIGESTS" "$1" >"$1.verdict" || return 2
    IFS= read -r verdict <"$1.verdict" || return 2
    case $verdict in
        'bad '*)
            is_other_file "$1" "$2" "${verdict#bad }" || return 2
            printf '%s\n' "${verdict#bad }" >"$1.bad" || return 2
            return 1
            ;;
        'ok '*) [ "${verdict#ok }" -eq "$wanted_sums" ] || return 2 ;;
        *) return 2 ;;
    esac
}

# is_other_file LINES FOLDER PATH: hash the file again; its digest is not the listed one
is_other_file() {
    local other
    other=$(hash_stream <"$2/$3") || return 1
    other=${other%% *}
    [ "${#other}" -eq 64 ] || return 1
    awk -v digest="$other" -v path="$3" '
        substr($0, 67) == path { found = 1; if (substr($0, 1, 64) == digest) found = 2 }
        END { exit found != 1 }' "$1"
}

# blame_sums STATUS FOLDER [LINES]: end the run with what match_sums found
blame_sums() {
    case $1 in
        1) refuse verify.changed "$(sed -n 1p "${3:-$SCRATCH/small}.bad" | show_plain)" ;;
        3)
            case $2 in "$SCRATCH"/*) lose_scratch ;; esac # a private copy
            refuse verify.unreadable "$2"
            ;;
        *)
            scratch_has_room || lose_scratch
            fail $EXIT_FAILED verify.incomplete
            ;;
    esac
}

# ---- lib/mistakes: what is wrong with what the operator typed is gathered, so that one run reports all of it

# gather_mistakes: until end_at_mistakes, a mistake does not end the run
gather_mistakes() {
    [ -z "$GATHERING" ] || return 0
    GATHERING=yes
    empty_file "$SCRATCH/mistakes"
    empty_file "$SCRATCH/mistaken"
}

# mistake ID [ARGUMENT...]: report it, at the end of the run or with the others
mistake() { note_mistake "$(format "$@")"; }

# note_mistake TEXT [NAME]: the same for a text. NAME: the variable that it is about
note_mistake() {
    [ -n "$GATHERING" ] || end_with $EXIT_USAGE "$1"
    { printf '%s\n' "$1" | awk '{ print (NR > 1 ? "    " : "  - ") $0 }' >>"$SCRATCH/mistakes" && printf '%s\n' "${2:--}" >>"$SCRATCH/mistaken"; } || lose_scratch
}

# is_mistaken [NAME]: whether there is a mistake, or one about that variable
is_mistaken() {
    [ -n "$GATHERING" ] || return 1
    if [ $# -eq 0 ]; then [ -s "$SCRATCH/mistaken" ]; else grep -qxF -- "$1" "$SCRATCH/mistaken"; fi
}

# end_at_mistakes: end the run if there were any: one as a message, several as a list
end_at_mistakes() {
    local number
    [ -n "$GATHERING" ] || return 0
    GATHERING=''
    number=$(wc -l <"$SCRATCH/mistaken") || lose_scratch
    number=${number##* } # some versions of wc indent the number
    case $number in
        0) return 0 ;;
        1) end_with $EXIT_USAGE "$(cut -c 5- "$SCRATCH/mistakes")" ;;
    esac
    fail $EXIT_USAGE mistakes.list "$number" "$(cat "$SCRATCH/mistakes")"
}

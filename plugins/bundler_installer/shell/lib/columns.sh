# ---- lib/columns: what a command prints as a table, or as a whole

SCREEN_WIDTH=80 # of texts that are wrapped

# print_columns [LIMIT [INDENT]]: lines of standard input, with fields separated by tabs, as columns; the last one is wrapped
# at LIMIT if that is not 0
print_columns() {
    LC_ALL=C awk -F "$TAB" -v limit="${1:-0}" -v indent="${2:-0}" "$PROGRAM_LIB_BYTES$PROGRAM_LIB_CELLS$PROGRAM_LIB_COLUMNS"
}

# show COMMAND [ARGUMENT...]: print its output as a whole. A shell that writes to a reader who is gone complains of an error,
# and a command that stops in the middle leaves half a document; `cat` does neither
show() {
    "$@" >"$SCRATCH/shown" || lose_scratch
    show_file "$SCRATCH/shown"
}

# show_file FILE: print it; ends the run with 141, without a word, if nobody reads it
show_file() {
    local show_code
    show_code=0
    if [ -n "$CONVERTER" ] && [ -z "$JSON" ]; then
        convert <"$1" >"$SCRATCH/converted" || lose_scratch
        set -- "$SCRATCH/converted"
    fi
    if [ -p /proc/self/fd/1 ] || [ -S /proc/self/fd/1 ]; then
        cat "$1" 2>/dev/null || show_code=141
    else
        cat "$1" || show_code=$EXIT_FAILED
    fi
    [ "$show_code" -eq 0 ] || leave "$show_code"
}

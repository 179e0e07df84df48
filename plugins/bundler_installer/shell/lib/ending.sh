# ---- lib/ending: what happens when a run ends. Files that change or create something register a function here; the files
# below never call it by name

# undo_at_exit FUNCTION: call it when the run ends, the last registered first. The function checks whether there is anything
# to undo; a signal may interrupt it unless it ignores signals
undo_at_exit() { UNDO_AT_EXIT="$1 $UNDO_AT_EXIT"; }

# clean_at_exit FUNCTION: call it after everything is undone, the last registered first, with signals ignored
clean_at_exit() { CLEAN_AT_EXIT="$1 $CLEAN_AT_EXIT"; }

# leave CODE: end the run, which has already reported the reason
leave() {
    ENDED=$1
    exit "$1"
}

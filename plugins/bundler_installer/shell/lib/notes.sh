# ---- lib/notes: state that the site keeps below <root>/state, as KEY=VALUE lines

# value_in FILE KEY: the value of its first line KEY=VALUE
value_in() { sed -n "/^$2=/{s///p;q;}" "$1"; }

# note_field NOTE KEY: a value of state/NOTE
note_field() { [ ! -f "$ROOT/state/$1" ] || value_in "$ROOT/state/$1" "$2"; }

# write_note NOTE: standard input becomes state/NOTE, complete and flushed to the disk, or not at all
write_note() {
    { (umask 077 && cat >"$ROOT/state/$1.new") && flush "$ROOT/state/$1.new" && mv -f "$ROOT/state/$1.new" "$ROOT/state/$1" &&
        flush "$ROOT/state"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# basename_of LINK: the last part of the link's target
basename_of() {
    local named
    named=$(readlink "$1" 2>/dev/null) || return 1
    printf '%s\n' "${named##*/}"
}

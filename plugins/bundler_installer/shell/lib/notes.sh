# ---- lib/notes: what the site remembers below <root>/state, KEY=VALUE lines

# value_in FILE KEY: of its first line KEY=VALUE
value_in() { sed -n "/^$2=/{s///p;q;}" "$1"; }

# note_field NOTE KEY: a value of state/NOTE
note_field() { [ ! -f "$ROOT/state/$1" ] || value_in "$ROOT/state/$1" "$2"; }

# write_note NOTE: standard input becomes state/NOTE, whole and on the disk, or not at all
write_note() {
    { (umask 077 && cat >"$ROOT/state/$1.new") && flush "$ROOT/state/$1.new" && mv -f "$ROOT/state/$1.new" "$ROOT/state/$1" &&
        flush "$ROOT/state"; } || fail $EXIT_FAILED release.disk "$ROOT"
}

# basename_of LINK: the last part of what it names
basename_of() {
    local named
    named=$(readlink "$1" 2>/dev/null) || return 1
    printf '%s\n' "${named##*/}"
}

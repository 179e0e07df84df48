# ---- adoption/phases: how far an adoption has progressed; an adoption under way is recorded in state/adopt

# load_adoption: read the note of an adoption that is not confirmed; its status is 1 if there is none
load_adoption() {
    ADOPTION_PHASE=''
    [ -f "$ROOT/state/adopt" ] || return 1
    { ADOPTION_FROM=$(note_field adopt from) && ADOPTION_PHASE=$(note_field adopt phase) && ADOPTION_PROJECT=$(note_field adopt project) &&
        ADOPTION_RELEASE=$(note_field adopt release) && ADOPTION_ASIDE=$(note_field adopt aside); } || lose_scratch
    case $ADOPTION_PHASE in prepare | stopped | switched | adopted | return) ;; *) fail $EXIT_FAILED adopt.damaged "$ROOT/state/adopt" ;; esac
}

# enter_adoption PHASE
enter_adoption() {
    ADOPTION_PHASE=$1
    write_note adopt <<EOT || exit $EXIT_FAILED
from=$ADOPTION_FROM
project=$ADOPTION_PROJECT
release=$ADOPTION_RELEASE
phase=$1
aside=${ADOPTION_ASIDE:-}
EOT
}

# guard_adoption: refuse other commands during an unfinished adoption, because they would work on an intermediate state
guard_adoption() {
    if ! load_adoption || [ "$ADOPTION_PHASE" = adopted ]; then return 0; fi
    case $COMMAND in adopt | uninstall) ;; *) fail $EXIT_FAILED adopt.pending "$ADOPTION_FROM" ;; esac
}

guard_lock guard_adoption

forget_adoption() { rm -f "$ROOT/state/adopt" "$ROOT/state/adopt.containers" || fail $EXIT_FAILED release.disk "$ROOT"; }

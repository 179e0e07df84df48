# ---- bundle/refusal: the bundle is not as it was signed, or nobody knows its maker

# refuse ID [ARGUMENT...]: the bundle is not as it was signed. A full scratch folder says nothing about it
refuse() {
    scratch_has_room || lose_scratch
    fail $EXIT_VERIFICATION "$@"
}

# is_lenient: commands that install nothing may look at a bundle whose maker nobody knows
is_lenient() { case $COMMAND in install | verify | restore) return 1 ;; esac; }

# doubt ID [ARGUMENT...]: a bundle that only looks are taken at
doubt() { case $COMMAND in preflight | plan) warn "$@" ;; esac; }

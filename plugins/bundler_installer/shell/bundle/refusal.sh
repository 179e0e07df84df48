# ---- bundle/refusal: the bundle differs from what was signed, or its publisher is unknown

# refuse ID [ARGUMENT...]: end the run because the bundle differs from what was signed. A full scratch folder is another
# error
refuse() {
    scratch_has_room || lose_scratch
    fail $EXIT_VERIFICATION "$@"
}

# is_lenient: commands that install nothing and start nothing may inspect a bundle of an unknown publisher
is_lenient() {
    case $COMMAND:$DRY_RUN:$PROBE in
        install::* | verify::* | node-images::* | push::* | restore::* | adopt::* | preflight:*:yes) return 1 ;;
    esac
}

# doubt ID [ARGUMENT...]: warn about a bundle that is only inspected
doubt() { case $COMMAND in preflight | plan) warn "$@" ;; esac; }

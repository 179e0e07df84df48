#!/bin/sh
# Installs the application of the bundle that contains this file. Usage: sh install [command] [options]; sh install help
#
# Requires sh, coreutils (or busybox), awk, sed, tar, openssl, and a Docker engine with Compose. Opens no network
# connections, except for `push`. Nothing of the bundle is loaded or executed before it is verified. The whole file is one group of commands: a
# shell reads all of it before it runs any, so a truncated file does nothing.

set -u

# exit codes
EXIT_FAILED=1       # something did not work
EXIT_USAGE=2        # the command line or an answer is wrong
EXIT_PREFLIGHT=3    # the server does not meet the requirements
EXIT_VERIFICATION=4 # the bundle or backup differs from what was signed or stored
EXIT_RETURNED=5     # a change failed, and the earlier release runs again

TAB='	'
NEWLINE='
'

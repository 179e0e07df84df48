#!/bin/sh
# Installs the application whose bundle this file lies in. Usage: sh install [command] [options]; sh install help
#
# Needs sh, coreutils (or busybox), awk, sed, tar, openssl, and a Docker engine with Compose. Connects to nothing.
# Nothing of the bundle is loaded or executed before it is verified. Everything is one group of
# commands: a shell reads it to the end before it runs any of it, so a file that was cut off does nothing.

set -u

# exit codes
EXIT_FAILED=1       # something did not work
EXIT_USAGE=2        # the command line or an answer is wrong
EXIT_PREFLIGHT=3    # the server is not good enough
EXIT_VERIFICATION=4 # bundle or backup is not as it was made
EXIT_RETURNED=5     # a change failed, and the earlier release runs again

TAB='	'
NEWLINE='
'

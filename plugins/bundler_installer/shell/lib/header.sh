#!/bin/sh
# Installs the application whose bundle this file lies in. Usage: sh install [command] [options]; sh install help
#
# Needs sh, coreutils (or busybox), awk, sed, tar, openssl, and a Docker engine with Compose. Connects to nothing.
# Nothing of the bundle is loaded or executed before it is verified. Everything is one group of
# commands: a shell reads it to the end before it runs any of it, so a file that was cut off does nothing.

set -u

EXIT_FAILED=1
EXIT_USAGE=2
EXIT_PREFLIGHT=3
EXIT_VERIFICATION=4
EXIT_RETURNED=5

TAB='	'
NEWLINE='
'

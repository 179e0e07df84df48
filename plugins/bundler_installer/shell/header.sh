#!/bin/sh
# Installs the application whose bundle this file lies in. Usage: sh install [command] [options]; sh install help
#
# Needs sh, coreutils (or busybox), awk, sed, tar, openssl, and a Docker engine with Compose. Connects to nothing.
# Nothing of the bundle is loaded or executed before it is verified. Everything is a function; the last line runs main.

set -u
umask 022

EXIT_FAILED=1
EXIT_USAGE=2
EXIT_PREFLIGHT=3
EXIT_VERIFICATION=4

TAB=$(printf '\t')
NEWLINE='
'

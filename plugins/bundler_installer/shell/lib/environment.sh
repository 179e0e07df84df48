# ---- lib/environment: the operator's shell changes nothing of what the programs of a run do. Before anything else is run

# bash takes functions from its environment, under the names of programs too. With POSIXLY_CORRECT it finds its own
# `unset` before a function of that name; as an exported variable, it would change what other programs print
POSIXLY_CORRECT=yes
set +abefvxC
unset -f unset command declare
# shellcheck disable=SC3044 # bash alone; another shell has no declare, and then nothing to remove
for each in $(declare -F 2>/dev/null); do
    case $each in declare | -*) ;; *) unset -f "$each" ;; esac
done
unset POSIXLY_CORRECT
POSIXLY_CORRECT=yes
umask 022
# a limit on the size of files is a full disk, and no reason to be killed in the middle
trap '' XFSZ
# what BASHOPTS switches on
# shellcheck disable=SC3044 # bash alone
case ${BASH_VERSION:-} in ?*) shopt -u dotglob failglob nocaseglob nocasematch nullglob 2>/dev/null || : ;; esac

# forget_environment: every variable that the shell was given goes, but for those that are named here. Tools listen to
# hundreds: CDPATH, TAR_OPTIONS, GREP_OPTIONS, OPENSSL_CONF, COMPOSE_FILE, DOCKER_DEFAULT_PLATFORM, HTTP_PROXY, ...
forget_environment() {
    local each own
    unset -v each own # the operator's; what is local hides one, and does not remove it
    set -f
    IFS=$NEWLINE
    for each in $(export -p); do
        case $each in
            'export '*) each=${each#export } ;;
            'declare -'*) each=${each#declare -* } ;;
            *) continue ;; # a further line of a value
        esac
        each=${each%%=*}
        case $each in
            '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) ;;
            PATH | HOME | TERM | TMPDIR | NO_COLOR | LANG | LC_ALL | LC_MESSAGES | SSH_CONNECTION) ;;
            DOCKER_HOST | DOCKER_CONTEXT | DOCKER_CONFIG | XDG_RUNTIME_DIR) ;; # see choose_engine
            # the loader has heard of these before any script could object
            LD_*) ;;
            PWD | OLDPWD | SHLVL | _ | PPID | UID | EUID | SHELLOPTS | BASHOPTS) ;; # the shell's own
            TAB | NEWLINE | EXIT_*) eval "own=\$$each && unset -v $each && $each=\$own" ;; # this file's, not the operator's
            *) unset -v "$each" ;;
        esac
    done
    set +f
    IFS=" $TAB$NEWLINE"
}

# settle_paths: a relative entry of PATH is a program of whoever owns the working folder; a relative TMPDIR is another
# folder after each cd
settle_paths() {
    local rest programs
    rest=${PATH:-}: programs=''
    while [ -n "$rest" ]; do
        case $rest in /*) programs=$programs:${rest%%:*} ;; esac
        rest=${rest#*:}
    done
    programs=${programs#:}
    export PATH="${programs:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
    export HOME="${HOME:-/root}"
    case ${TMPDIR:-/} in /*) ;; *) TMPDIR=$(pwd -P)/$TMPDIR ;; esac
}

forget_environment
settle_paths

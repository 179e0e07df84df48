# ---- lib/environment: the operator's environment does not influence the programs of a run. This comes before any other
# command

# bash imports functions from its environment, even under the names of programs. With POSIXLY_CORRECT it prefers its builtin
# `unset` to a function of that name; if the variable were exported, it would change the output of other programs
POSIXLY_CORRECT=yes
set +abefvxC
unset -f unset command declare
# shellcheck disable=SC3044 # only bash has declare; other shells have no such functions to remove
for each in $(declare -F 2>/dev/null); do
    case $each in declare | -*) ;; *) unset -f "$each" ;; esac
done
unset POSIXLY_CORRECT
POSIXLY_CORRECT=yes
umask 022
# a limit on file size must look like a full disk, and not kill the run in the middle
trap '' XFSZ
# the options that BASHOPTS enables
# shellcheck disable=SC3044 # bash alone
case ${BASH_VERSION:-} in ?*) shopt -u dotglob failglob nocaseglob nocasematch nullglob 2>/dev/null || : ;; esac

# forget_environment: unset every inherited variable except those named here. Tools read hundreds of them: CDPATH,
# TAR_OPTIONS, GREP_OPTIONS, OPENSSL_CONF, COMPOSE_FILE, DOCKER_DEFAULT_PLATFORM, HTTP_PROXY, ...
forget_environment() {
    local each own
    unset -v each own # the operator's; what is local hides one, and does not remove it
    set -f
    IFS=$NEWLINE
    for each in $(export -p); do
        case $each in
            'export '*) each=${each#export } ;;
            'declare -'*) each=${each#declare -* } ;;
            *) continue ;; # continuation line of a value
        esac
        each=${each%%=*}
        case $each in
            '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) ;;
            PATH | HOME | TERM | TMPDIR | NO_COLOR | LANG | LC_ALL | LC_MESSAGES | SSH_CONNECTION | KUBECONFIG) ;;
            DOCKER_HOST | DOCKER_CONTEXT | DOCKER_CONFIG | XDG_RUNTIME_DIR) ;; # see choose_engine
            TAB | NEWLINE | EXIT_* | BUNDLE_REGISTRY_PASSWORD) eval "own=\$$each && unset -v $each && $each=\$own" ;; # this file's, or not for programs
            # the dynamic loader has already read these before the script starts
            LD_*) ;;
            PWD | OLDPWD | SHLVL | _ | PPID | UID | EUID | SHELLOPTS | BASHOPTS) ;; # the shell's own
            *) unset -v "$each" ;;
        esac
    done
    set +f
    IFS=" $TAB$NEWLINE"
}

# settle_paths: a relative entry of PATH would run programs of the owner of the working folder; a relative TMPDIR would be
# another folder after each cd
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

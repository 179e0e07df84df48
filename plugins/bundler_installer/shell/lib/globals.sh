# ---- lib/globals: global variables. All others are local to a function; what a function returns to its caller is named in
# its comment: "sets `mark`"

# command and options given by the operator, see `help`
COMMAND=''           # the command to run
TAKEN=0              # how many arguments were read: those that `exec` runs come after them
WORDS=''             # the argument after the command: a backup, a file, a command, a shell
SERVICES=''          # services that are named after the command, separated by blanks
ROOT=''              # the site's folder
YES=''               # answers yes to every question
JSON=''              # prints JSON
QUIET=''             # prints nothing to the operator
STRICT=''            # warnings of the preflight stop the run
ACCEPTED=' '         # ids of the checks that the operator accepted by name
ANSWERS=''           # file with values of site variables
TIMEOUT=''           # seconds until services must be healthy
TAIL=100             # lines of each service's log that `logs` prints
FOLLOW=''            # `logs` goes on with new lines
SINCE=''             # `logs` begins at this time, or so long ago
WATCH=''             # `status` and `top` are repeated
NAMES=''             # `ps` prints names of services alone
LOG_LINES=2000       # lines of each service's log in a support archive
REPORT=''            # file for the preflight's report in HTML
PROBE=''             # the preflight starts a container
KEY=''               # files with keys that must have signed, one a line
ROTATIONS=''         # files with statements about keys, one a line
REQUIRE=''           # how many of the keys must have signed
UNSIGNED=''          # accepts a bundle without a signature
DOWNGRADE=''         # accepts an older bundle
INSTALL_ENGINE=''    # installs the engine that the bundle carries
NO_BLOBS=''          # keeps no image files
NO_BACKUP=''         # makes no backup before an upgrade
EDITS=refuse         # what happens to edited configuration: keep, refuse or discard
KEEP_DATA=''         # a rollback keeps the current data
FORWARD=''           # returns to the newer release after a rollback
LIST=''              # lists backups
ENCRYPT=''           # encrypts a backup
OUTPUT=''            # folder for backups or for a support archive
CONTAINERD_SOCKET='' # of --containerd
PASSPHRASE_FILE=''   # first line: the passphrase of backups
BACKUP_KEY_FILE=''   # the key of another site's backups
SHOW_KEY=''          # prints the key of this site's backups
KEEP=''              # how many backups are kept
REASON=''            # why a backup is made
PURGE=''             # further things that an uninstallation removes
SCHEDULE=''          # scheduled backups: install or remove
AT=''                # time of day of scheduled backups
FROM=''              # folder of the Compose project that is adopted
DRY_RUN=''           # plans an adoption
CONFIRM=''           # completes an adoption
BACK=''              # undoes an adoption
REGISTRY=''          # registry and prefix that images are pushed to
REGISTRY_USER=''     # name of the login there
REGISTRY_PASSWORD_FILE='' # first line: its password
REGISTRY_CA=''       # certificates of the authority that the registry's are from
REGISTRY_PLAIN=''    # the registry may be used without TLS
PART_BYTES=''        # an upload goes in parts of so many MiB, later bytes
PARALLEL=''          # how many workers push
TARGET=''            # compose or kubernetes
KUBE_CONFIG=''       # file that names the cluster and its user
KUBE_CONTEXT=''      # context of that file
KUBE_NAMESPACE=''    # namespace of the site

# this run
PROBE_ROOT=''        # root folder from which the facts of this server are read
LANGUAGE=en          # of messages: en or zh
ENCODING=''          # of the terminal, if it is not UTF-8
CONVERTER=''         # what converts to it: iconv, or ascii, which replaces all other characters
WITHHELD=''          # messages are in English because Chinese cannot be shown
RED=''               # escape sequences of the terminal, empty if it has none
YELLOW=''            # see RED
GREEN=''             # see RED
BOLD=''              # see RED
PLAIN=''             # see RED
TERMINAL=''          # an operator can answer questions
PAGED=''             # the operator answered them all on one page
SCRATCH=''           # private folder of this run
LITTER=''            # unfinished file outside of SCRATCH
LOG=''               # file that messages are written to
GATHERING=''         # mistakes of the operator are gathered, see lib/mistakes
TOLD=''              # the reason why the run fails was reported
ENDED=''             # exit code that was chosen deliberately
LOCKED=''            # this run holds the root's lock
HELD=''              # this run holds the descriptor that identifies its processes
UNDO_AT_EXIT=''      # functions that undo unfinished changes when the run ends
CLEAN_AT_EXIT=''     # functions that remove temporary files of the run
LOCK_GUARDS=''       # functions that run once the lock is held
STARTING=''          # process of `compose up`
HASHING=''           # processes that verify the bundle or push its images
METER=''             # process that shows how far a step is
PROBED=''            # container and network of the preflight's probe
PROBE_IMAGE=''       # image of the preflight's probe
PROBE_PORT=''        # port on this server that is published by the probe
VALUES=''            # folder with a file for the value of each site variable

# the bundle or release at hand
HERE=''              # its folder
FACTS=''             # folder with its tables, checked: a copy of a bundle's, or HERE
INSTALLED=''         # it is an installed release
TOTAL=''             # files that SHA256SUMS lists
NAME=''              # name of the application
VERSION=''           # version of the application
PROFILE=''           # profile of the bundle
TITLE=''             # display name of the application
PROJECT=''           # name of the Compose project
RELEASE=''           # id of the release
RELEASE_DIR=''       # folder of the release below ROOT/releases
BUNDLE_RELEASE=''    # id of the bundle's release, while HERE is another
BUNDLE_FOLDER=''     # folder of the bundle, while HERE is another
CURRENT=''           # link to the release that runs
PREVIOUS=''          # id of the release that runs, if another one is installed
COUNTER=''           # counter of the bundle
HIGHEST=''           # highest counter that was installed here
EXPIRES=''           # the bundle's last second
GRACE=''             # seconds after EXPIRES in which it can be installed
LAST=''              # EXPIRES and GRACE
EXPIRY=''            # none, valid, grace, expired or unknown
OWN_ID=''            # user that runs this program
OWN_GROUP=''         # the user's group, or - where others may be in it

# who signed
TRUSTED_KEYS=/etc/bundle/trusted-keys # this server's keys and policy
TRUST=''             # folder with keys and lists
SIGNERS=0            # number of lines of the list of signers
DEMANDS=0            # number of lines of the list of demands
ROTATED=0            # number of lines of the list of rotations
REVOKED=0            # number of lines of the list of revocations
JUDGED=''            # the signatures of the bundle were judged: without that, nothing of it is installed
SIGNED_BY=''         # file with the keys that later bundles must be signed by

# the cluster
KUBECTL=''           # its client, or the program that has it
KUBE_VERSION=''      # version of its API server
KUBE_OTHER=''        # ID or address of a cluster that is not that of this site
KUBE_OBJECTS=''      # folder with the objects of the bundle or release
KUBE_APP=''          # their label with the name of the application

# the engine
REMOTE=''            # address of an engine on another machine
REMOTE_REMEDY=''     # how the operator can avoid using it
COMPOSE=''           # plugin or standalone
COMPOSE_VERSION=''   # version of Compose
DOCKER=''            # the engine answers
DOCKER_CODE=''       # exit code of the command that tested it
ENGINE=''            # output of docker info
ENGINE_VERSION=''    # version of the engine
ENGINE_ROOT=''       # folder where the engine keeps its data
IMAGE_ROOT=''        # folder where it keeps images
UNPACKER=''          # what reads compact images: zstd or engine
BLOBS=''             # folder with the image files to load
ARCHIVE=''           # folder with the parts of compact images
FAR=''               # the bundle is on another file system: image files are copied
LACKING=''           # what the server lacks and the bundle supplies: whole or compose
FOREIGN=''           # what shows that the server has an engine that was not installed from here
MANAGER=''           # package manager of the carried packages: deb, rpm or empty
ENGINE_PLAN=''       # what is installed: whole or compose
PROGRAMS=''          # folder for the engine's programs
PLUGIN=''            # path of the Compose plugin
UNIT=''              # path of the engine's systemd unit
SETTINGS=''          # path of the engine's settings

# the containerd of a Kubernetes node
RUNTIME=''           # whose it is: containerd, k3s, rke2, microk8s or k0s
RUNTIME_SOCKET=''    # where it listens
RUNTIME_PROGRAM=''   # program that speaks to it
RUNTIME_DATA=''      # folder of its data, - if that is unknown

# the site's registry
REGISTRY_HOST=''     # its name, with the port if there is one
REGISTRY_PREFIX=''   # what the names of repositories begin with
ORIGIN=''            # scheme and host of its URLs
AUTH=''              # what it wants: basic or bearer
REALM=''             # URL of its token server
SERVICE=''           # its name there
AUTH_SCOPE=''        # what the token at hand is for
LOGIN_NAME=''        # who pushes
LOGIN_WORD=''        # the password
WORKER=''            # number of this worker
DESK=''              # folder with the request at hand
SPOOL=''             # folder with blobs of compact images

# an installation, and a change of release
CERTIFICATES=''      # value that changes when a certificate does
WAY_BACK=0           # bytes that a rollback takes
EDITED=''            # folder of the release whose configuration may have been edited
CHANGING=''          # a change of release is under way: undone when the run ends
RETURNING=''         # the run goes back to an earlier release
RESUMED=''           # an interrupted change was completed before
RESUME=''            # services stopped by a backup are started again
INTERRUPTED=''       # a signal arrived while it must not end the run
CHANGE_KIND=''       # upgrade, rollback or forward
CHANGE_FROM=''       # release that ran before
CHANGE_TO=''         # release that will run
CHANGE_PHASE=''      # phase in the note
CHANGE_BACKUP=''     # backup made before the change
CHANGE_DATA=''       # backup from which a rollback takes the data
CHANGE_RESTORED=''   # the data of that backup are in place
CHANGE_ASIDE=''      # folder with the data that they replace

# results of `plan`
ANSWERING=''         # the engine answers
BASE=''              # folder of the release to compare with
ENGINE_CHANGE=''     # none, whole, compose or offer
LOAD_BYTES=''        # bytes of images to load
UNPACK_BYTES=''      # bytes of their layers
RELEASE_BYTES=''     # bytes of the configuration
DOWN=''              # services that are stopped: all, none or names
MIGRATIONS=''        # jobs that change data

# backups
BACKUP=''            # folder of the backup that was made
PART=''              # the same, while it is being made
SOURCE=''            # folder of the backup that is being read
UNPACKED=''          # folder for a backup that was given as a file
RESTORED=''          # folder with answers from a backup or an adoption
BEFORE=''            # folder with the data that a restore replaces
PASSPHRASE=''        # passphrase of backups
BACKUP_KEY=''        # of another site's backups
SITE_KEY=''          # of this site's backups
CRYPT_ROUNDS=600000  # iterations of PBKDF2 with SHA-256
TAR_KIND=''          # posix (with attributes) or plain
TAR_MAKE=''          # options for packing
TAR_TAKE=''          # options for unpacking
TAR_EXCLUDES=''      # tar supports --exclude
WELL_TIMES=''        # how often a new database must be healthy in a row

# an adoption
ADOPTING=''          # one is under way: undone when the run ends
ADOPTION_FROM=''     # folder of the Compose project
ADOPTION_PROJECT=''  # name of that project
ADOPTION_RELEASE=''  # release of this application
ADOPTION_PHASE=''    # phase in the note
ADOPTION_ASIDE=''    # folder with what an earlier attempt left
OLD_PROJECT=''       # name of the Compose project
OLD_PORTS=''         # ports that it publishes
OLD_ROOM=0           # bytes that its data take
OLD_VOLUMES_ROOM=0   # bytes that they take on the engine's disk
OLD_FREE=''          # free bytes for its data
REAL_ROOT=''         # ROOT without links
LEFT=''              # waivers that leave something behind

# ---- lib/globals: what the whole program knows. Everything else is local to a function; what a function hands to its caller
# stands in its comment: "sets `mark`"

# what the operator asks for: commands and options, see `help`
COMMAND=''           # what to do
WORDS=''             # the word after it: a service, a backup, a file
ROOT=''              # the site's folder
YES=''               # asks nothing
JSON=''              # prints JSON
QUIET=''             # prints nothing to the operator
STRICT=''            # warnings of the preflight stop the run
ACCEPTED=' '         # ids of what is accepted by name
ANSWERS=''           # file with values of site variables
TIMEOUT=''           # seconds until services must be healthy
TAIL=100             # lines of each service's log that `logs` prints
LOG_LINES=2000       # lines of each service's log in a support archive
REPORT=''            # file for the preflight's report in HTML
PROBE=''             # the preflight starts a container
KEY=''               # files with keys that must have signed, one a line
ROTATIONS=''         # files with statements about keys, one a line
REQUIRE=''           # how many of the keys must have signed
UNSIGNED=''          # takes a bundle without a signature
DOWNGRADE=''         # takes an older bundle
INSTALL_ENGINE=''    # installs the engine that the bundle carries
NO_BLOBS=''          # keeps no image files
NO_BACKUP=''         # makes no backup before an upgrade
EDITS=refuse         # what becomes of edited configuration: keep, refuse or discard
KEEP_DATA=''         # a rollback leaves data as they are
FORWARD=''           # goes to the newer release again, after a rollback
LIST=''              # lists backups
ENCRYPT=''           # encrypts a backup
OUTPUT=''            # folder for backups or for a support archive
PASSPHRASE_FILE=''   # first line: the passphrase of backups
BACKUP_KEY_FILE=''   # the key of another site's backups
SHOW_KEY=''          # prints the key of this site's backups
KEEP=''              # how many backups stay
REASON=''            # of a backup
PURGE=''             # what an uninstallation removes
SCHEDULE=''          # of backups: install or remove
AT=''                # time of day of scheduled backups
FROM=''              # folder of the Compose project that is adopted
DRY_RUN=''           # plans an adoption
CONFIRM=''           # ends an adoption
BACK=''              # undoes an adoption

# this run
PROBE_ROOT=''        # below which the facts of this server are read
LANGUAGE=en          # of messages: en or zh
RED=''               # escape sequences of the terminal, empty where it has none
YELLOW=''            # see RED
GREEN=''             # see RED
BOLD=''              # see RED
PLAIN=''             # see RED
TERMINAL=''          # somebody can answer
SCRATCH=''           # private folder of this run
LITTER=''            # file that is half written, outside of SCRATCH
LOG=''               # file with what is said
TOLD=''              # the operator was told why the run fails
ENDED=''             # exit code that was chosen on purpose
LOCKED=''            # this run holds the root's lock
HELD=''              # this run holds the descriptor by which its processes are known
UNDO_AT_EXIT=''      # functions that undo what is half done when the run ends
CLEAN_AT_EXIT=''     # functions that remove what the run made for itself
LOCK_GUARDS=''       # functions that run once the lock is held
STARTING=''          # process of `compose up`
HASHING=''           # processes that verify the bundle
PROBED=''            # container and network of the preflight's probe
PROBE_IMAGE=''       # image of the preflight's probe
PROBE_PORT=''        # port on this server that leads into the probe
VALUES=''            # folder with a file for the value of each site variable

# the bundle or release at hand
HERE=''              # its folder
FACTS=''             # folder with its tables, checked: a copy of a bundle's, or HERE
INSTALLED=''         # it is an installed release
TOTAL=''             # files that SHA256SUMS lists
NAME=''              # of the application
VERSION=''           # of the application
PROFILE=''           # of the bundle
TITLE=''             # of the application, for people
PROJECT=''           # name of the Compose project
RELEASE=''           # its id
RELEASE_DIR=''       # its folder below ROOT/releases
BUNDLE_RELEASE=''    # id of the bundle's release, while HERE is another
BUNDLE_FOLDER=''     # folder of the bundle, while HERE is another
CURRENT=''           # link to the release that runs
PREVIOUS=''          # id of the release that runs, where another one is installed
COUNTER=''           # of the bundle
HIGHEST=''           # counter that was installed here
EXPIRES=''           # the bundle's last second
GRACE=''             # seconds after EXPIRES in which it can be installed
LAST=''              # EXPIRES and GRACE
EXPIRY=''            # none, valid, grace, expired or unknown
OWN_ID=''            # user that runs this
OWN_GROUP=''         # the user's group, or - where others may be in it

# who signed
TRUSTED_KEYS=/etc/bundle/trusted-keys # this server's keys and policy
TRUST=''             # folder with keys and lists
SIGNERS=0            # lines of the list of signers
DEMANDS=0            # lines of the list of demands
ROTATED=0            # lines of the list of rotations
REVOKED=0            # lines of the list of revocations
SIGNED_BY=''         # file with the keys that later bundles must be signed by

# the engine
REMOTE=''            # address of an engine on another machine
REMOTE_REMEDY=''     # how to leave it alone
COMPOSE=''           # plugin or standalone
COMPOSE_VERSION=''   # of Compose
DOCKER=''            # the engine answers
DOCKER_CODE=''       # exit code of the question whether it does
ENGINE=''            # what `docker info` says
ENGINE_VERSION=''    # of the engine
ENGINE_ROOT=''       # where the engine keeps its data
UNPACKER=''          # what reads compact images: zstd or engine
BLOBS=''             # folder with the image files to load
ARCHIVE=''           # folder with the parts of compact images
FAR=''               # the bundle lies on another file system: image files are copied
LACKING=''           # what the server lacks and the bundle brings: whole or compose
FOREIGN=''           # what shows that the server has an engine, not from here
MANAGER=''           # of the packages that are carried: deb, rpm or nothing
ENGINE_PLAN=''       # what is installed: whole or compose
PROGRAMS=''          # folder for the engine's programs
PLUGIN=''            # path of the Compose plugin
UNIT=''              # path of the engine's systemd unit
SETTINGS=''          # path of the engine's settings

# an installation, and a change of release
CERTIFICATES=''      # changes when a certificate does
WAY_BACK=0           # bytes that going back takes
EDITED=''            # folder of the release whose configuration may have been edited
CHANGING=''          # a change of release is under way: undone when the run ends
RETURNING=''         # the run goes back to an earlier release
RESUMED=''           # an interrupted change was brought to an end before
RESUME=''            # services that a backup stopped run again
INTERRUPTED=''       # a signal came while it must not end the run
CHANGE_KIND=''       # upgrade, rollback or forward
CHANGE_FROM=''       # release that ran
CHANGE_TO=''         # release that is to run
CHANGE_PHASE=''      # that the note names
CHANGE_BACKUP=''     # made before
CHANGE_DATA=''       # backup that a rollback takes the data from
CHANGE_RESTORED=''   # its data are in place
CHANGE_ASIDE=''      # folder with the data that it replaces

# what `plan` finds
ANSWERING=''         # the engine answers
BASE=''              # folder of the release that it compares with
ENGINE_CHANGE=''     # none, whole, compose or offer
LOAD_BYTES=''        # of images to load
UNPACK_BYTES=''      # of their layers
RELEASE_BYTES=''     # of the configuration
DOWN=''              # services that stand still: all, none or names
MIGRATIONS=''        # jobs that change data

# backups
BACKUP=''            # folder of the backup that was made
PART=''              # the same, while it is made
SOURCE=''            # folder of the backup that is read
UNPACKED=''          # folder for a backup that came as a file
RESTORED=''          # folder with answers that a backup or an adoption brings
BEFORE=''            # folder with the data that a restore replaces
PASSPHRASE=''        # of backups
BACKUP_KEY=''        # of another site's backups
SITE_KEY=''          # of this site's backups
CRYPT_ROUNDS=600000  # of PBKDF2 with SHA-256
TAR_KIND=''          # posix, with attributes, or plain
TAR_MAKE=''          # options with which it packs
TAR_TAKE=''          # options with which it unpacks
TAR_EXCLUDES=''      # it can leave files out
WELL_TIMES=''        # how often a new database must be found healthy

# an adoption
ADOPTING=''          # one is under way: undone when the run ends
ADOPTION_FROM=''     # folder of the Compose project
ADOPTION_PROJECT=''  # its name
ADOPTION_RELEASE=''  # of this application
ADOPTION_PHASE=''    # that the note names
ADOPTION_ASIDE=''    # folder with what an earlier try left
OLD_PROJECT=''       # name of the Compose project
OLD_PORTS=''         # that it publishes
OLD_ROOM=0           # bytes that its data take
OLD_VOLUMES_ROOM=0   # bytes that they take on the engine's disk
OLD_FREE=''          # bytes that are free for them
REAL_ROOT=''         # ROOT without links
LEFT=''              # waivers by which something is left behind

# ---- target/kubernetes/absent: what a cluster does without, and what is refused there before anything is changed

# target_has WHAT: whether the target is one that needs it, see that of Docker
target_has() { return 1; }

# refuse_command: commands that are for one server with Docker
refuse_command() {
    case $COMMAND in
        uninstall) require_engine ;;
        backup | restore | rollback | adopt | schedule | plan | certificate) fail $EXIT_USAGE kubernetes.refused "$COMMAND" ;;
    esac
    [ -z "$INSTALL_ENGINE" ] || fail $EXIT_USAGE kubernetes.refused --install-engine
    [ -z "$PROBE" ] || fail $EXIT_USAGE kubernetes.refused --probe
}

# settle_engine: a running release is not replaced by another yet: there would be no way back
settle_engine() {
    ENGINE_PLAN=''
    [ -z "$PREVIOUS" ] || fail $EXIT_USAGE kubernetes.no_upgrade "$PREVIOUS" "$RELEASE" "$ROOT"
}

plan_engine() { LACKING=''; }

# Images are on the nodes, or pods get them from a registry; what a pod cannot get is said while the services start.
# With a registry of the site, references are rewritten in fill_objects

load_images() { :; }

images_are_there() { :; }

image_exists() { return 1; }

image_state() { echo present; }

list_engine_images() { :; }

list_known_layers() { empty_file "$SCRATCH/known-layers"; }

drop_image() { :; }

# releases stay as they are: no container mounts their files
list_mounted() { :; }

# volumes: claims of the namespace. Their content is not read yet

list_volumes() { list_project_volumes; }

list_project_volumes() { kube get persistentvolumeclaims -l "$(select_objects)" -o 'go-template={{range .items}}{{.metadata.name}}{{"\n"}}{{end}}' 2>/dev/null; }

note_volumes() { list_project_volumes >>"$ROOT/state/volumes"; }

volume_exists() { kube get persistentvolumeclaim "$1" -o name >/dev/null 2>&1; }

drop_volume() { kube delete persistentvolumeclaim "$1" --timeout 120s >/dev/null 2>&1; }

find_volume() { refuse_content; }

name_volume() { refuse_content; }

make_volume() { refuse_content; }

volume_folder() { refuse_content; }

volume_users() { refuse_content; }

volume_key() { refuse_content; }

pack_volume() { refuse_content; }

unpack_volume() { refuse_content; }

empty_volume() { refuse_content; }

create_services() { refuse_content; }

start_again() { refuse_content; }

# refuse_content: no command comes here: those that would are refused by refuse_command
refuse_content() { fail $EXIT_USAGE kubernetes.refused "$COMMAND"; }

"""Adoption of an existing installation: read, judged, copied and left unchanged; in each shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler_dify.adopt import STORES
from tests.support import dify
from tests.support.adopted import Old, identifier, upstream, write_tables
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
START = """
PATH=$HERE/bin:$PATH
LC_ALL=C; export LC_ALL
CURRENT=$ROOT/current TITLE=Dify VERSION=1.17.1 NAME=dify PROJECT=dify COMPOSE=plugin RELEASE=r
FROM={home}
{before}
find_old
read_old
plan_adoption
collect_variables
judge_room
"""
PLAN = START + 'print_adoption\n[ ! -s "$SCRATCH/refusals" ] || leave $EXIT_PREFLIGHT\n'
STEPS = START + "ADOPTION_FROM=$FROM ADOPTION_PROJECT=$OLD_PROJECT ADOPTION_RELEASE=r ADOPTION_ASIDE=''\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tables of the profile `standard`."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(dify.model({}), folder)
    return folder


def run(
    shell: str, old: Old, tables: Path, script: str, *, before: str = "", language: str = "en"
) -> subprocess.CompletedProcess[str]:
    """Run a script on the old installation in its current state."""
    old.write()
    for table in tables.iterdir():
        (old.folder / "here" / table.name).write_bytes(table.read_bytes())
    text = script.replace("{home}", str(old.home)).replace("{before}", before)
    return call(shell, text, old.folder, language=language)


def kept(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the values that the script printed after the plan."""
    lines = done.stdout.partition("== kept\n")[2].splitlines()
    return dict(line.split("=", 1) for line in lines)


SHOW = PLAN + 'echo "== kept"; cat "$RESTORED/site.env" "$RESTORED/secrets.env"\n'


@shell
def test_secrets_stay_unless_everybody_knows_them(shell: str, tables: Path, tmp_path: Path) -> None:
    done = run(shell, upstream(tmp_path), tables, SHOW)
    assert done.returncode == 0, done.stdout + done.stderr
    found = kept(done)
    assert found["SECRET_KEY"] == "kLm+9/Zq0=of-somebody"
    assert found["DB_PASSWORD"] == "of-the-database"
    assert found["WEAVIATE_API_KEY"] == "one-of-our-own"
    assert (found["HTTP_PORT"], found["HTTPS_PORT"]) == ("8080", "8443")
    plan = done.stdout.partition("== kept")[0]
    assert not [value for name, value in found.items() if "PORT" not in name and value in plan]
    (renewed,) = [line for line in plan.splitlines() if line.startswith("Regenerated")]
    assert {"REDIS_PASSWORD", "SANDBOX_API_KEY", "PLUGIN_DAEMON_KEY"} <= set(renewed.split())
    assert not {"REDIS_PASSWORD", "SANDBOX_API_KEY", "PLUGIN_DAEMON_KEY", "SERVER_NAME"} & set(found)
    assert "WARNING" not in done.stderr
    assert "volumes/weaviate is copied to data/weaviate" in plan
    assert "local_sandbox/home starts empty" in plan
    assert "SERVER_NAME" in plan  # must be given: upstream's `_` is not a name


@shell
def test_a_public_key_that_data_need_is_kept_and_said(shell: str, tables: Path, tmp_path: Path) -> None:
    (public,) = [secret for secret in dify.PUBLISHED if secret.startswith("sk-")]
    done = run(shell, upstream(tmp_path, SECRET_KEY=public), tables, SHOW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(done)["SECRET_KEY"] == public
    assert "WARNING: SECRET_KEY" in done.stderr


@shell
def test_the_key_that_dify_made_itself_is_found(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path, SECRET_KEY="")
    file = old.home / "volumes/app/storage/.dify_secret_key"
    file.write_text("made-by-the-api_1\n")
    assert kept(run(shell, old, tables, SHOW))["SECRET_KEY"] == "made-by-the-api_1"
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")
    assert "SECRET_KEY" not in kept(run(shell, old, tables, SHOW))


def change(service: str, **changes: object) -> Callable[[Old], None]:
    """Return a function that changes attributes of a container."""

    def apply(old: Old) -> None:
        for name, value in changes.items():
            setattr(old.containers[service], name, value)

    return apply


def told(service: str, **variables: str) -> Callable[[Old], None]:
    """Return a function that changes variables of a container."""
    return lambda old: old.containers[service].environment.update(variables)


REFUSED: dict[str, tuple[Callable[[Old], None], str]] = {
    "a vector store that is too old": (
        change("weaviate", image="cr.weaviate.io/semitechnologies/weaviate:1.27.0"),
        "1.39 to 1.39.2",
    ),
    "too old": (change("api", image="langgenius/dify-api:1.9.2"), "1.11.0 to 1.17.1"),
    "too new": (change("api", image="registry:5000/dify-api:1.19.0"), "1.11.0 to 1.17.1"),
    "no version": (change("api", image="registry:5000/dify-api"), "--accept version"),
    "another vector store": (told("api", VECTOR_STORE="qdrant"), "--accept vectors"),
    "another database": (told("api", DB_TYPE="mysql"), "DB_TYPE=mysql"),
    "object storage": (told("api", STORAGE_TYPE="aliyun-oss"), "aliyun-oss"),
    "a database elsewhere": (told("api", DB_HOST="10.0.0.5"), "DB_HOST=10.0.0.5"),
    "a store elsewhere": (
        told("api", WEAVIATE_ENDPOINT="https://me:hunter2@w.example"),
        "https://******@w.example",
    ),
    "a newer database": (told("db_postgres", PG_MAJOR="17"), "PG_MAJOR 17"),
    "a database that is stopped": (change("db_postgres", running=False), "is not running"),
    "no database": (lambda old: old.containers.__delitem__("db_postgres"), "db_postgres was not found"),
    "files inside a container": (change("api", mounts={}), "--accept unmounted"),
    "a key of two lines": (told("api", SECRET_KEY="one\ntwo"), "api SECRET_KEY cannot become SECRET_KEY"),
    "a key with blanks": (told("api", SECRET_KEY="one two"), "cannot become SECRET_KEY"),
    "a pepper": (told("api", PASSWORD_PEPPER="never-printed"), "PASSWORD_PEPPER set, which"),
    "a pepper of two lines": (told("api", PASSWORD_PEPPER="never\nshown"), "PASSWORD_PEPPER set, which"),
    "a database's name": (told("plugin_daemon", DB_DATABASE="x; rm -rf /"), "is not a valid database name"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_unsupported_installations_are_refused(what: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    apply, message = REFUSED[what]
    apply(old)
    done = run(shells()[len(what) % 3], old, tables, PLAN)
    assert done.returncode == 3, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n  ") == 1, done.stderr


def test_all_obstacles_are_reported_at_once(tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    for what in ("too old", "another vector store", "a newer database"):
        REFUSED[what][0](old)
    (tmp_path / "root/data/x").mkdir(parents=True)
    done = run("dash", old, tables, PLAN, language="zh")
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.count("\n  ") == 4, done.stderr
    assert "不为空" in done.stderr


def test_vectors_may_be_left_behind(tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    old.containers["api"].environment["VECTOR_STORE"] = "qdrant"
    del old.containers["weaviate"]
    done = run("dash", old, tables, PLAN, before="ACCEPTED=' vectors '")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not taken over, as accepted: vectors" in done.stdout


def test_an_old_release_gets_upgrade_steps(tables: Path, tmp_path: Path) -> None:
    for version, notes in (("1.13.3", 1), ("1.15.0", 0)):
        done = run("dash", upstream(tmp_path / version, version), tables, PLAN)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("NOTE: ") == notes


@shell
def test_the_old_variables_are_read_as_compose_reads_them(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    (tmp_path / "tables").mkdir()
    variables = "\n".join(
        f"{name}\tstring\tno\t-\t-\t-\t-\t-\t-" for name in ("MOTTO", "ABSENT", "LINES", "EMPTY")
    )
    (tmp_path / "tables/variables.tsv").write_text(f"{variables}\n")
    rows = "".join(
        f"value\t-\t{name}\t{name}\tkeep\t-\n" for name in ("MOTTO", "ABSENT", "LINES", "EMPTY", "a b")
    )
    (tmp_path / "tables/adopt.tsv").write_text(rows)
    (tmp_path / "tables/bundle.env").write_text("project=dify\n")
    motto = 'it\'s $5 \\ a "piece" ${X} <b> & 你好 $$'
    old.variables = {"MOTTO": motto, "ABSENT": "BUNDLE:unset", "EMPTY": ""}
    done = run(shell, old, tmp_path / "tables", SHOW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(done) == {"MOTTO": motto}
    old.variables["LINES"] = "one\ntwo"
    refused = run(shell, old, tmp_path / "tables", SHOW)
    assert refused.returncode == 3
    assert ".env LINES cannot become LINES" in refused.stderr


def test_an_env_file_that_compose_refuses_is_not_quoted(tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    old.write()
    old.engine.with_name("docker.config").unlink()
    old.variables = {}
    old.beside("refusal", 'failed to read .env: line 7: unexpected character in "hunter2 secret"\n')
    done = run("dash", old, tables, PLAN)
    assert done.returncode == 1
    assert "line 7" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    old.beside("refusal", "required variable hunter2 is missing a value\n")
    done = run("dash", old, tables, PLAN)
    assert "(line -)" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@shell
def test_only_the_project_of_that_folder_is_taken(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    script = "PATH=$HERE/bin:$PATH\nFROM={home}/../docker\nfind_old\n"
    script += "echo $OLD_PROJECT $FROM; wc -l <$SCRATCH/old-ids\n"
    old.write()
    lines = (old.folder / "here/bin/docker.ps").read_text()
    foreign = f"{'a' * 64}\tother\tapi\t/srv/other\nnot an id\tdocker\tapi\t{old.home}\n"
    foreign += f"{'b' * 64}\t../up\tapi\t{old.home}\n{'c' * 64}\tdocker\ta b\t{old.home}\n"
    text = script.replace("{home}", str(old.home))
    old.beside("ps", lines + foreign)
    done = call(shell, text, tmp_path)
    assert done.stdout.split() == ["docker", str(old.home), str(len(old.containers))], done.stderr
    old.beside("ps", lines + f"{'d' * 64}\tsecond\tapi\t{old.home}\n")
    assert "docker second" in call(shell, text, tmp_path).stderr
    old.beside("ps", foreign)
    none = call(shell, text, tmp_path)
    assert none.returncode == 1
    assert "docker compose up -d" in none.stderr


def test_a_project_of_the_same_name_is_not_mistaken_for_ours(tables: Path, tmp_path: Path) -> None:
    script = START + "echo $PROJECT; keep_project; settle_project; echo $PROJECT\n"
    done = run("dash", upstream(tmp_path), tables, script, before="PROJECT=docker")
    assert done.stdout.splitlines()[-2:] == ["docker-site", "docker-site"], done.stderr
    assert (tmp_path / "root/state/project").read_text() == "docker-site\n"


def snapshot(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Return every entry's content or link target, mode and owner."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else "/"
        found[str(path.relative_to(folder))] = (held, status.st_mode, status.st_uid)
    return found


@shell
def test_files_are_copied_unchanged_and_links_stay_inside(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    storage = old.home / "volumes/app/storage"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("of somebody else")
    (storage / "to the outside").symlink_to(outside)
    (storage / "upload_files").mkdir(mode=0o700)
    (storage / "upload_files" / "a\nb 'c' $(id)").write_text("hello")
    (storage / "upload_files/.hidden").write_text("hidden")
    if os.geteuid() == 0:
        os.chown(storage / "upload_files/.hidden", 1001, 1001)
    before = snapshot(old.home / "volumes")
    planted = tmp_path / "root/data/app"
    planted.parent.mkdir(parents=True)
    script = STEPS.replace("plan_adoption", "ADOPTION_PHASE=prepare\nplan_adoption") + (
        f'ln -s "{outside}" "$ROOT/data/weaviate"\nmake_data\ncopy_folders\n'
    )
    done = run(shell, old, tables, script)
    # a link at the target may be an attack: it is not followed, and the run ends
    assert done.returncode == 1, done.stdout + done.stderr
    assert snapshot(outside) == {"file": ("of somebody else", 0o100644, os.geteuid())}
    (tmp_path / "root/data/weaviate").unlink()
    done = run(shell, old, tables, script.replace(f'ln -s "{outside}" "$ROOT/data/weaviate"\n', ""))
    assert done.returncode == 0, done.stdout + done.stderr
    assert snapshot(old.home / "volumes") == before
    assert snapshot(tmp_path / "root/data/app/storage") == snapshot(storage)
    assert snapshot(outside) == {"file": ("of somebody else", 0o100644, os.geteuid())}
    # a server with `appendonly yes` ignores its snapshot
    assert (tmp_path / "root/data/redis/data/appendonly.aof").read_text() == "REDIS0009"
    assert not (tmp_path / "root/data/db/data/pgdata").exists()
    assert not (old.home / "volumes/redis/data/appendonly.aof").exists()


@shell
def test_it_is_stopped_in_order_and_runs_again_as_before(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    old.containers["worker"].running = False
    old.containers["redis"].policy = "on-failure:3"
    script = STEPS + "enter_adoption prepare\nstop_old\ntake_dumps\nhalt_old\nstart_old\n"
    done = run(shell, old, tables, script)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {identifier(name): name for name in old.containers}

    def asked(word: str) -> list[str]:
        return [
            " ".join(names.get(part, part) for part in line.split())
            for line in old.calls
            if line.startswith(word)
        ]

    stops = asked("stop")
    assert stops[0] == "stop -t 300 nginx"
    assert stops[-1] == "stop -t 300 db_postgres"
    assert stops.index("stop -t 300 api") < stops.index("stop -t 300 weaviate")
    updates = asked("update")
    assert updates[0].split()[:2] == ["update", "--restart=no"]
    assert {"update --restart=always api", "update --restart=on-failure:3 redis"} <= set(updates)
    assert "update --restart=no init_permissions" in updates
    starts = asked("start")
    assert "start worker" not in starts  # it was not running
    assert "start init_permissions" not in starts
    assert starts[-1] == "start nginx"
    assert starts.index("start redis") < starts.index("start api")
    dumps = asked("exec")
    assert dumps[0].startswith(
        'exec -e DATABASE=dify db_postgres sh -c pg_dump -U "$POSTGRES_USER" -d "$DATABASE"'
    )
    assert {path.name for path in (tmp_path / "root/state/adopt.dumps").iterdir()} == {"dify", "dify_plugin"}


@shell
def test_a_failure_on_the_way_is_rolled_back_with_code_5(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    script = STEPS + (
        "require_engine() { :; }\nenter_adoption prepare\nADOPTING=yes\n"
        'mkdir -p "$ROOT/releases/r"; touch "$ROOT/data/copied"\n'
        "step stop stop_old\nfail $EXIT_FAILED adopt.no_server db_postgres\n"
    )
    done = run(shell, old, tables, script)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "is running again" in done.stderr
    assert f"start {identifier('nginx')}" in old.calls
    assert not (tmp_path / "root/state/adopt").exists()
    assert list((tmp_path / "root/data").iterdir()) == []
    old.beside("broken", "start")
    broken = run(shell, old, tables, script)
    assert broken.returncode == 1
    assert "is NOT running again" in broken.stderr
    assert "phase=return" in (tmp_path / "root/state/adopt").read_text()


@shell
def test_other_commands_wait_for_the_end_of_an_adoption(shell: str, tmp_path: Path) -> None:
    script = (
        "ADOPTION_FROM=/srv/dify ADOPTION_PROJECT=docker ADOPTION_RELEASE=r COMMAND={command}\n"
        "enter_adoption {phase}\nguard_adoption\necho passed\n"
    )
    for command, phase, passed in (
        ("start", "stopped", False),
        ("install", "switched", False),
        ("adopt", "stopped", True),
        ("start", "adopted", True),
    ):
        done = call(shell, script.replace("{command}", command).replace("{phase}", phase), tmp_path)
        assert ("passed" in done.stdout) is passed, (command, phase)


@shell
def test_neither_installation_lies_in_the_other(shell: str, tables: Path, tmp_path: Path) -> None:
    """Removing the old folder, which the confirmation allows, would remove the site."""
    old = upstream(tmp_path)
    storage = old.home / "volumes/app/storage"
    (tmp_path / "link").symlink_to(old.home.parent)
    for root, code in (
        (old.home, 2),
        (tmp_path / "link", 2),
        (tmp_path / "link/docker/site", 2),
        (storage / "new/site", 2),
        (old.home.with_name("docker2"), 0),
    ):
        done = run(shell, old, tables, PLAN, before=f'ROOT="{root}"')
        assert done.returncode == code, (root, done.stdout + done.stderr)
        assert ("--root" in done.stderr) is (code == 2)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    old.containers["api"].mounts["/app/api/storage"] = elsewhere
    done = run(shell, old, tables, PLAN, before=f'ROOT="{elsewhere}/site"')
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"{elsewhere}/site is inside {elsewhere}" in done.stderr


@shell
def test_another_application_is_not_taken_over(shell: str, tmp_path: Path) -> None:
    """A bundle without matching services would take over nothing, but stop the running application."""
    old = upstream(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/variables.tsv").write_text("")
    (tmp_path / "tables/bundle.env").write_text("project=shop\n")
    rows = "value\t-\tMOTTO\tMOTTO\tkeep\t-\nvolume\tcache\t/data\tcache\t-\t-\n"
    table = tmp_path / "tables/adopt.tsv"
    table.write_text(rows)
    done = run(shell, old, tmp_path / "tables", PLAN)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Project docker has none of the services" in done.stderr
    table.write_text(rows + "volume\tredis\t/data\tother\t-\t-\n")
    assert run(shell, old, tmp_path / "tables", PLAN).returncode == 0


@shell
def test_removed_containers_do_not_block_the_way_back(shell: str, tables: Path, tmp_path: Path) -> None:
    """`docker system prune` removes stopped containers: the others start again, and the state is cleared."""
    old = upstream(tmp_path)
    script = STEPS + (
        "require_engine() { :; }\nenter_adoption prepare\nstop_old\nenter_adoption adopted\n"
        'grep -v "api\\|init" "$HERE/bin/docker.ps" >"$HERE/new"\nmv "$HERE/new" "$HERE/bin/docker.ps"\n'
        "YES=yes PROFILE=p\nleave_adoption\n"
    )
    done = run(shell, old, tables, script)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "were not started again: api. " in done.stderr
    assert "docker compose --project-name docker up -d" in done.stderr
    assert "is running again, with" not in done.stdout
    assert f"start {identifier('nginx')}" in old.calls
    assert f"start {identifier('api')}" not in old.calls
    assert not (tmp_path / "root/state/adopt").exists()
    assert not (tmp_path / "root/state/adopt.containers").exists()


@shell
def test_odd_names_of_folders_are_shown_plain(shell: str, tables: Path, tmp_path: Path) -> None:
    old = upstream(tmp_path)
    odd = old.home / "volumes/$(id) \x9b31m\u202eend"
    odd.mkdir()
    old.containers["api"].mounts["/app/api/storage"] = odd
    done = run(shell, old, tables, PLAN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "volumes/$(id) ?31m?end is copied" in done.stdout
    done = run(shell, old, tables, PLAN.replace("{home}", "-"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("No installation can be taken over from -:")


@shell
def test_after_a_kill_nothing_of_the_first_try_is_left(shell: str, tmp_path: Path) -> None:
    """New services may already be running: they must not write during the copy, nor get a dump twice."""
    script = (
        'CURRENT=$ROOT/current FROM=/srv/dify OLD_PROJECT=docker RELEASE=r\nmkdir -p "$CURRENT/config"\n'
        "use_current() { :; }\nkeep_project() { :; }\nstart_step() { :; }\n"
        'compose() { printf "compose %s\\n" "$*"; } 2>/dev/null\n'
        'step() { echo "step $1"; [ "$1" != again ] || { "$2"; ls "$ROOT/data"; cat "$SCRATCH/down"; }; }\n'
        'touch "$ROOT/data/db" "$ROOT/data/.hidden"\nADOPTION_PHASE={phase}\ntake_over\n'
    )
    done = call(shell, script.replace("{phase}", "switched"), tmp_path)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert shown[:3] == ["step again", "compose down --volumes --remove-orphans", "step variables"]
    for phase in ("", "prepare", "stopped"):
        done = call(shell, script.replace("{phase}", phase), tmp_path)
        assert done.stdout.splitlines()[0] == "step variables", done.stdout + done.stderr


@shell
def test_uninstall_keeps_the_way_back(shell: str, tables: Path, tmp_path: Path) -> None:
    """The old containers no longer start automatically: the record of their restart policies is kept."""
    old = upstream(tmp_path)
    script = STEPS + (
        "require_engine() { :; }\ndocker_answers() { return 1; }\nPROFILE=p YES=yes COMMAND=uninstall\n"
        "enter_adoption prepare\nstop_old\nenter_adoption adopted\nPURGE=' all '\nrun_uninstall\n"
        'release_lock\necho "== back"\nCOMMAND=adopt\nleave_adoption\n'
    )
    done = run(shell, old, tables, script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"sh install adopt --back --root {tmp_path}/root" in done.stderr
    assert "is running again" in done.stdout.partition("== back")[2]
    assert f"start {identifier('nginx')}" in old.calls
    assert not (tmp_path / "root/state/adopt").exists()


@shell
def test_plan_changes_nothing(shell: str, tmp_path: Path) -> None:
    script = 'parse_options {words}; echo "does $COMMAND"\n'
    for words, done in (
        ("install --dry-run", False),
        ("--from /srv/dify", False),
        ("uninstall --back", False),
        ("adopt --back --dry-run", False),
        ("--dry-run --confirm adopt", False),
        ("adopt --from /srv/dify --dry-run", True),
        ("adopt --back", True),
        ("plan", True),
    ):
        found = call(shell, script.replace("{words}", words), tmp_path)
        assert (found.returncode, "does" in found.stdout) == (0 if done else 2, done), words
        assert done is not ("--" in found.stderr), words


def test_the_public_secrets_are_known_by_their_digests_alone() -> None:
    model = dify.model({})
    known = {row.name for row in model.adoption if row.what == "published"}
    text = repr(model.adoption)
    for secret in {*dify.PUBLISHED, "dify-sandbox"} - {"minioadmin", "root:Milvus"}:
        assert hashlib.sha256(secret.encode()).hexdigest() in known
    assert [secret for secret in dify.PUBLISHED if secret in text] == []


@pytest.mark.parametrize("name", dify.MATRIX)
def test_rows_name_variables_folders_and_dumps_that_are_there(name: str) -> None:
    model = dify.model(dify.MATRIX[name])
    variables = {variable.name for variable in model.variables}
    folders = {folder.path for folder in model.data}
    dumps = {dump.id for dump in model.lifecycle.dumps}
    for row in model.adoption:
        if row.what in {"value", "file"}:
            assert row.to in variables
        elif row.what == "folder":
            assert row.to in folders
        elif row.what == "dump":
            assert row.to in dumps
    refused = [row for row in model.adoption if row.what == "refuse"]
    settings = dify.settings(dify.MATRIX[name])
    external = settings.database.service != "db_postgres" or settings.vector_server.mode != "bundled"
    assert bool(refused) is (external or settings.vector_store not in STORES)
    taken = {row.to for row in model.adoption if row.what in {"folder", "dump"}}
    for folder in folders - {"tls"}:
        assert folder in taken or folder in model.lifecycle.dumped or refused, folder

"""What of a project travels: the kind of each mount, and its path at the site."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bundler.api.application import INITIAL, DataFolder, InitialFile
from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.mounts.carry import Carrier
from bundler_compose.mounts.collect import Collected, Texts, collect_mounts
from bundler_compose.mounts.project import Project
from bundler_compose.mounts.rules import Rules

KEY = "\ue000"
"""Stands for a variable of the site, as a mark does."""


class Shop:
    """A project in a folder, with services that mount what a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.document: dict[str, Any] = {"services": {}}

    def write(self, **files: str) -> None:
        """Write files; `conf__web` is `conf/web`, and `_dot_` a dot."""
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def service(self, name: str, *mounts: str, **keys: Any) -> None:  # noqa: ANN401 any key of a service
        """Add a service; each of `mounts` is `source:target[:ro]`."""
        volumes = []
        for mount in mounts:
            source, target, *mode = mount.split(":")
            bind = {"create_host_path": True}
            volume: dict[str, Any] = {
                "type": "bind",
                "source": self.path(source),
                "target": target,
                "bind": bind,
            }
            volumes.append({**volume, "read_only": True} if mode else volume)
        self.document["services"][name] = {"image": f"{name}:1", "volumes": volumes, **keys}

    def path(self, source: str) -> str:
        return source if source.startswith(("/", KEY)) else os.path.normpath(self.folder / source)

    def collect(
        self, rules: Rules | None = None, above: str = ".", today: Mapping[str, str] | None = None
    ) -> Collected:
        rules = rules or Rules()
        project = Project.of(self.folder, above, frozenset(rules.templates))

        def resolve(text: str) -> str:
            for mark, value in (today or {}).items():
                text = text.replace(mark, value)
            return text

        texts = Texts(lambda keys: "compose.yaml: " + ".".join(map(str, keys)), resolve)
        with Templates({"workers": 4}) as templates:
            return collect_mounts(self.document, Carrier(project, templates, rules), texts)

    def refused(self, rules: Rules | None = None, above: str = ".") -> BundleError:
        with pytest.raises(BundleError) as caught:
            self.collect(rules, above)
        assert caught.value.hint
        return caught.value


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def kinds(collected: Collected) -> dict[str, str]:
    return {mount.source: mount.kind for mount in collected.mounts}


def sources(collected: Collected, service: str = "web") -> list[str]:
    return [volume["source"] for volume in collected.document["services"][service]["volumes"]]


def contents(collected: Collected) -> dict[str, str]:
    return {path: file.read().decode() for path, file in collected.files.items()}


# ---------------------------------------------------------------- configuration


def test_configuration_travels_below_config(shop: Shop) -> None:
    shop.write(conf__a="a", conf__deep__b="b", nginx_dot_conf="n", run_dot_sh="#!/bin/sh\n", key="secret")
    (shop.folder / "run.sh").chmod(0o775)
    (shop.folder / "key").chmod(0o600)
    shop.service(
        "web", "conf:/etc/web:ro", "nginx.conf:/etc/nginx/nginx.conf", "run.sh:/run.sh:ro", "key:/key:ro"
    )
    found = shop.collect()
    assert contents(found) == {
        "conf/a": "a", "conf/deep/b": "b", "nginx.conf": "n", "run.sh": "#!/bin/sh\n", "key": "secret",
    }  # fmt: skip
    assert {path: oct(file.mode) for path, file in found.files.items()} == {
        "conf/a": "0o644", "conf/deep/b": "0o644", "nginx.conf": "0o644", "run.sh": "0o755", "key": "0o600",
    }  # fmt: skip
    assert sources(found) == ["./conf", "./nginx.conf", "./run.sh", "./key"]
    volumes = found.document["services"]["web"]["volumes"]
    assert volumes[0]["bind"] == {"create_host_path": False}, "a missing file is an error, not a folder"
    assert volumes[0]["read_only"] is True
    assert "read_only" not in volumes[1], "what a service may do stays as it is"
    assert set(kinds(found).values()) == {"configuration"}
    assert found.data == {}
    assert found.initial == {}


def test_what_selinux_labels_is_mounted_as_the_engine_can_label_it(shop: Shop) -> None:
    shop.write(conf__a="a")
    shop.service("web", "conf:/etc/web:ro")
    shop.document["services"]["web"]["volumes"][0]["bind"] = {"selinux": "z", "create_host_path": True}
    assert shop.collect().document["services"]["web"]["volumes"][0]["bind"] == {"selinux": "z"}


def test_a_file_through_a_variable_is_found_where_it_is_today(shop: Shop) -> None:
    shop.write(conf__app_dot_yaml="a: 1")
    shop.service("web", f"{KEY}/conf/app.yaml:/etc/app.yaml")
    found = shop.collect(today={KEY: str(shop.folder)})
    assert sources(found) == ["./conf/app.yaml"]
    assert set(found.files) == {"conf/app.yaml"}


def test_a_foreign_template_is_carried_untouched(shop: Shop) -> None:
    shop.write(conf__site_dot_conf_dot_j2="{{ of_the_application }}")
    shop.service("web", "conf:/etc/app:ro")
    assert contents(shop.collect()) == {"conf/site.conf.j2": "{{ of_the_application }}"}


def test_templates_that_the_profile_names_are_rendered(shop: Shop) -> None:
    shop.write(conf__site_dot_conf_dot_j2="workers {{ workers }};", web_dot_conf_dot_j2="{{ workers }}")
    shop.service("web", "conf:/etc/app:ro", "web.conf:/web.conf:ro")
    rules = Rules(templates=("conf/site.conf.j2", "web.conf.j2"))
    found = shop.collect(rules)
    assert contents(found) == {"conf/site.conf": "workers 4;", "web.conf": "4"}
    assert "templates: [web.conf.j2]" in str(shop.refused().hint)
    shop.write(conf__site_dot_conf="both")
    assert "both a file and the template" in shop.refused(rules).message


def test_a_template_that_nothing_mounts_is_refused(shop: Shop) -> None:
    shop.write(conf__a="a", x_dot_j2="x")
    shop.service("web", "conf:/etc/app:ro")
    assert "settings: templates: x.j2: no service" in shop.refused(Rules(templates=("x.j2",))).message


@pytest.mark.parametrize("name", ["compose.yaml", f"{INITIAL}/a"])
def test_names_that_bundles_have_for_themselves(shop: Shop, name: str) -> None:
    (shop.folder / name).parent.mkdir(exist_ok=True)
    (shop.folder / name).write_text("x")
    shop.service("web", f"{name}:/x:ro")
    assert "a file of its own" in shop.refused().message


def test_the_whole_project_is_not_mounted(shop: Shop) -> None:
    shop.write(a="a")
    shop.service("web", ".:/app")
    assert "the whole project is mounted" in shop.refused().message


# ---------------------------------------------------------------- data


def test_folders_that_do_not_exist_are_data(shop: Shop) -> None:
    shop.service("web", "logs:/logs", "storage/db:/var/lib/data")
    found = shop.collect()
    assert sources(found) == ["${BUNDLE_DATA}/logs", "${BUNDLE_DATA}/storage/db"]
    assert found.data == {"logs": DataFolder("logs"), "storage/db": DataFolder("storage/db")}
    assert found.files == {}
    assert [mount.place for mount in found.mounts] == ["data/logs", "data/storage/db"]


def test_data_through_a_variable_lie_below_the_root(shop: Shop) -> None:
    shop.service("web", f"{KEY}:/var/lib/data")
    found = shop.collect(today={KEY: str(shop.folder / "storage/db")})
    assert sources(found) == ["${BUNDLE_DATA}/storage/db"]
    assert set(found.data) == {"storage/db"}


@pytest.mark.parametrize(
    ("user", "owner"),
    [("1000:1001", (1000, 1001)), ("472", (472, None)), ("node", (None, None)), ("", (None, None))],
)
def test_data_belong_to_the_user_of_the_service(shop: Shop, user: str, owner: tuple[int, int]) -> None:
    shop.service("web", "logs:/logs", user=user)
    folder = shop.collect().data["logs"]
    assert (folder.uid, folder.gid) == owner


def test_data_of_two_users_belong_to_nobody(shop: Shop) -> None:
    shop.service("web", "logs:/logs", user="1")
    shop.service("job", "logs:/logs", user="2")
    assert shop.collect().data["logs"].uid is None


@pytest.mark.parametrize(
    "mount",
    [
        "certs/root-ca.pem:/certs",
        "ngnix.conf:/etc/nginx/nginx.conf:ro",
        "settings:/etc/app/settings.toml",
        ".htpasswd:/etc/nginx/auth",
        "plugin:/plugins:ro",
    ],
)
def test_a_missing_file_is_never_an_empty_folder(shop: Shop, mount: str) -> None:
    shop.write(nginx_dot_conf="", plugins__a="a")
    shop.service("web", mount)
    error = shop.refused()
    assert error.message.startswith("compose.yaml: services.web.volumes.0: ")
    assert "no such file" in error.message
    name = mount.partition(":")[0]
    assert f"settings: carry: {{{name}: data}}" in str(error.hint)
    assert shop.collect(Rules(carry={name: "data"})).data[name] == DataFolder(name)


def test_a_misspelt_name_is_pointed_out(shop: Shop) -> None:
    shop.write(nginx_dot_conf="")
    shop.service("web", "ngnix.conf:/etc/nginx/nginx.conf:ro")
    assert str(shop.refused().hint).startswith("is it nginx.conf?")


@pytest.mark.parametrize("name", ["conf.d", "data2", "db-v1.2", "uploads", ".cache"])
def test_names_of_folders(shop: Shop, name: str) -> None:
    shop.write(data1__a="a")
    shop.service("web", f"{name}:/x/{name}", "data1:/y:ro")
    assert kinds(shop.collect())[name] == "data"


def test_compose_would_not_make_the_folder_either(shop: Shop) -> None:
    shop.service("web", "logs:/logs")
    shop.document["services"]["web"]["volumes"][0]["bind"] = {"create_host_path": False}
    assert "no such file" in shop.refused().message


def test_folders_that_the_profile_calls_data_are_not_carried(shop: Shop) -> None:
    shop.write(pg__PG_VERSION="15")
    shop.service("web", "pg:/data", "pg/sub:/sub")
    found = shop.collect(Rules(carry={"pg": "data"}))
    assert found.files == {}
    assert set(found.data) == {"pg", "pg/sub"}


def test_a_file_is_not_data(shop: Shop) -> None:
    shop.write(app_dot_db="x")
    shop.service("web", "app.db:/app.db")
    assert "is a file, and data are folders" in shop.refused(Rules(carry={"app.db": "data"})).message


# ---------------------------------------------------------------- data with initial content


def test_a_folder_that_a_service_writes_is_delivered(shop: Shop) -> None:
    shop.write(plugins__a="a", plugins__deep__b="b")
    (shop.folder / "plugins/empty").mkdir()
    (shop.folder / "plugins/deep").chmod(0o777)
    (shop.folder / "plugins/a").chmod(0o666)
    (shop.folder / "plugins/deep/b").chmod(0o600)
    shop.service("web", "plugins:/plugins", user="1000")
    shop.service("job", "plugins:/plugins:ro")
    found = shop.collect()
    assert sources(found) == ["${BUNDLE_DATA}/plugins"]
    assert sources(found, "job") == ["${BUNDLE_DATA}/plugins"], "both see what one of them writes"
    assert contents(found) == {f"{INITIAL}/plugins/a": "a", f"{INITIAL}/plugins/deep/b": "b"}
    assert not any(file.mode & 0o022 for file in found.files.values()), "as the bundle's format wants it"
    assert found.initial == {
        "plugins/a": InitialFile("plugins/a", 0o666, 1000),
        "plugins/deep/b": InitialFile("plugins/deep/b", 0o600, 1000),
    }
    assert {path: folder.mode for path, folder in found.data.items()} == {
        "plugins": 0o755, "plugins/deep": 0o777, "plugins/empty": 0o755,
    }  # fmt: skip
    assert kinds(found) == {"plugins": "initial"}


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("acme.json", "{}", "initial"),
        ("app.sqlite3", "x", "initial"),
        ("state.json", "", "initial"),
        ("app.yaml", "x", "configuration"),
    ],
)
def test_single_files_that_services_write(shop: Shop, name: str, text: str, kind: str) -> None:
    (shop.folder / name).write_text(text)
    shop.service("web", f"{name}:/x")
    assert kinds(shop.collect()) == {name: kind}
    shop.service("web", f"{name}:/x:ro")
    assert kinds(shop.collect()) == {name: "configuration"}


def test_the_profile_decides(shop: Shop) -> None:
    shop.write(conf__a="a", app_dot_yaml="x")
    shop.service("web", "conf:/conf", "app.yaml:/app.yaml")
    found = shop.collect(Rules(carry={"conf": "configuration", "app.yaml": "initial"}))
    assert kinds(found) == {"conf": "configuration", "app.yaml": "initial"}
    shop.service("web", "absent:/absent")
    assert "no such file" in shop.refused(Rules(carry={"absent": "initial"})).message


def test_an_empty_folder_is_made_at_the_site(shop: Shop) -> None:
    for name in ("logs", "read"):
        (shop.folder / name).mkdir()
    shop.service("web", "logs:/logs", "read:/read:ro")
    found = shop.collect()
    assert set(found.data) == {"logs", "read"}
    assert found.files == {}


def test_a_folder_with_an_empty_one_is_delivered(shop: Shop) -> None:
    shop.write(conf__a="a")
    (shop.folder / "conf/sites").mkdir()
    shop.service("web", "conf:/conf:ro")
    found = shop.collect()
    assert set(found.data) == {"conf", "conf/sites"}
    assert "an empty folder cannot be carried" in shop.refused(Rules(carry={"conf": "configuration"})).message


@pytest.mark.parametrize(
    ("outer", "inner"), [("app:/app:ro", "app/run:/run"), ("app:/app", "app/conf:/conf:ro")]
)
def test_mounts_inside_each_other_share_their_files(shop: Shop, outer: str, inner: str) -> None:
    shop.write(app__conf__a="a", app__run__b="b")
    shop.service("web", outer)
    shop.service("job", inner)
    found = shop.collect()
    assert set(kinds(found).values()) == {"initial"}
    assert sources(found) == ["${BUNDLE_DATA}/app"]
    assert sources(found, "job") == ["${BUNDLE_DATA}/" + inner.partition(":")[0]]


# ---------------------------------------------------------------- the host, and other paths outside


def test_paths_of_the_host_are_named_in_the_profile(shop: Shop) -> None:
    shop.service("web", "/var/run/docker.sock:/s:ro", "/etc/localtime:/t:ro")
    error = shop.refused()
    assert "/var/run/docker.sock is outside the project's folder (and /etc/localtime)" in error.message
    assert 'settings: host_paths: ["/var/run/docker.sock", "/etc/localtime"]' in str(error.hint)
    found = shop.collect(Rules(host_paths=("/var/run/docker.sock", "/etc")))
    assert found.document == shop.document
    assert [(mount.kind, mount.place) for mount in found.mounts] == [
        ("host", "/var/run/docker.sock"), ("host", "/etc/localtime"),
    ]  # fmt: skip


def test_a_variable_in_a_path_of_the_host_stays(shop: Shop) -> None:
    shop.service("web", f"{KEY}:/s")
    found = shop.collect(Rules(host_paths=("/run/docker.sock",)), today={KEY: "/run/docker.sock"})
    assert sources(found) == [KEY]


def test_a_wider_root(shop: Shop) -> None:
    (shop.folder.parent / "shared").mkdir()
    (shop.folder.parent / "shared" / "a").write_text("a")
    shop.write(conf__b="b")
    shop.service("web", "../shared:/shared:ro", "conf:/conf:ro", "data:/data")
    error = shop.refused()
    assert "../shared is outside" in error.message
    assert "settings: root: .." in str(error.hint)
    found = shop.collect(above="..")
    assert contents(found) == {"shared/a": "a", "shop/conf/b": "b"}
    assert sources(found) == ["./shared", "./shop/conf", "${BUNDLE_DATA}/shop/data"]


@pytest.mark.parametrize("above", ["conf", "../../../../../../../../..", "../other"])
def test_a_root_that_is_not_above(shop: Shop, above: str) -> None:
    shop.write(conf__b="b")
    shop.service("web", "conf:/conf:ro")
    assert "settings: root" in shop.refused(above=above).message


def test_a_project_behind_a_link(shop: Shop, tmp_path: Path) -> None:
    shop.write(conf__a="a")
    shop.service("web", "conf:/conf:ro")
    (tmp_path / "link").symlink_to(shop.folder)
    linked = Shop.__new__(Shop)
    linked.folder, linked.document = tmp_path / "link", {"services": {}}
    linked.service("web", "conf:/conf:ro", "data:/data")
    assert sources(linked.collect()) == ["./conf", "${BUNDLE_DATA}/data"]


# ---------------------------------------------------------------- links, pipes, sizes


def test_links_pipes_and_sizes_are_right_or_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(conf__a="a", other="o")
    shop.service("web", "conf:/conf:ro")
    (shop.folder / "conf/b").symlink_to("a")
    assert contents(shop.collect())["conf/b"] == "a"
    for target, says in (
        ("../other", "leaves the mounted folder"),
        ("/etc/passwd", "leaves the project's folder"),
        ("absent", "broken links"),
    ):
        (shop.folder / "conf/b").unlink()
        (shop.folder / "conf/b").symlink_to(target)
        assert says in shop.refused().message
    (shop.folder / "conf/b").unlink()
    os.mkfifo(shop.folder / "conf/b")
    assert "sockets, devices and broken links" in shop.refused().message
    (shop.folder / "conf/b").unlink()
    monkeypatch.setattr("bundler_compose.mounts.carry.FOLDER_LIMIT", 2)
    shop.write(conf__b="bb")
    assert "larger than" in shop.refused().message
    os.mkfifo(shop.folder / "pipe")
    shop.service("web", "pipe:/pipe")
    assert "sockets and devices" in shop.refused().message


def test_set_user_id_does_not_travel(shop: Shop) -> None:
    shop.write(tool="#!/bin/sh\n")
    (shop.folder / "tool").chmod(0o4755)
    shop.service("web", "tool:/tool:ro")
    assert stat.S_IMODE(shop.collect().files["tool"].mode) == 0o755


# ---------------------------------------------------------------- volumes that bind a path


def volume(shop: Shop, device: str, **keys: Any) -> Mapping[str, Any]:  # noqa: ANN401 any key of a volume
    shop.service("web")
    options = {"type": "none", "o": "bind", "device": device}
    shop.document["volumes"] = {"store": {"driver": "local", "driver_opts": options, **keys}}
    return options


def test_a_volume_that_binds_a_path_follows_the_same_rules(shop: Shop) -> None:
    options = volume(shop, str(shop.folder / "store"))
    found = shop.collect()
    assert found.document["volumes"]["store"]["driver_opts"] == {**options, "device": "${BUNDLE_DATA}/store"}
    assert [(mount.service, mount.kind, mount.place) for mount in found.mounts] == [
        ("volume store", "data", "data/store")
    ]
    shop.write(store__a="a")
    found = shop.collect()
    assert set(found.initial) == {"store/a"}
    assert "a volume cannot be configuration" in shop.refused(Rules(carry={"store": "configuration"})).message


def test_volumes_of_the_host_and_of_other_drivers(shop: Shop) -> None:
    volume(shop, "/srv/store")
    assert 'host_paths: ["/srv/store"]' in str(shop.refused().hint)
    assert shop.collect(Rules(host_paths=("/srv/store",))).document == shop.document
    volume(shop, "store")
    assert "not an absolute path" in shop.refused().message
    shop.document["volumes"]["store"]["driver_opts"] = {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}
    assert shop.collect().mounts == ()


# ---------------------------------------------------------------- configs and secrets


def test_configs_and_secrets_in_all_forms(shop: Shop) -> None:
    shop.write(site_dot_conf="s", token="t")
    shop.service(
        "web",
        configs=[{"source": name} for name in ("file", "content", "environment")],
        secrets=[{"source": "file"}, {"source": "environment"}],
    )
    shop.document["configs"] = {
        "file": {"name": "shop_file", "file": str(shop.folder / "site.conf")},
        "content": {"content": "name=x"},
        "environment": {"environment": "SITE"},
        "unused": {"file": str(shop.folder / "absent")},
    }
    shop.document["secrets"] = {
        "file": {"file": str(shop.folder / "token")},
        "environment": {"environment": "TOKEN"},
    }
    found = shop.collect()
    assert found.document["configs"] == {
        "file": {"name": "shop_file", "file": "./site.conf"},
        "content": {"content": "name=x"},
        "environment": {"environment": "SITE"},
    }
    assert found.document["secrets"] == {"file": {"file": "./token"}, "environment": {"environment": "TOKEN"}}
    assert contents(found) == {"site.conf": "s", "token": "t"}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"file": "absent"}, "no such file"),
        ({"file": "folder"}, "is a folder, not a file"),
        ({"file": "/etc/passwd"}, "outside the project"),
        ({"external": True}, "exist only in Swarm"),
    ],
)
def test_secrets_that_cannot_travel(shop: Shop, entry: dict[str, Any], says: str) -> None:
    shop.write(folder__a="a")
    shop.service("web", secrets=[{"source": "token"}])
    if "file" in entry:
        entry = {"file": shop.path(entry["file"])}
    shop.document["secrets"] = {"token": entry}
    error = shop.refused() if says != "is a folder, not a file" else None
    if error is None:
        with pytest.raises(BundleError, match=says):
            shop.collect()
        return
    assert says in error.message

"""Volumes, data and configuration files of a cluster."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.api.application import ConfigFile, DataFolder, InitialFile
from bundler.api.variable import SiteVariable
from bundler.errors import BundleError
from bundler_kubernetes.objects import Checksum, Setting
from tests.support.kube_objects import application, container, find, mapped, notes, pod


def test_volumes_and_data_are_claims_that_stand_alone() -> None:
    compose = """
services:
  db: {image: db, restart: always, volumes: ["db:/var/db", "${BUNDLE_DATA}/app/logs:/logs"]}
  a:
    image: a
    restart: always
    volumes: ["${BUNDLE_DATA}/app:/data", {type: volume, source: bound, target: /b}]
volumes:
  db: {}
  bound: {driver: local, driver_opts: {type: none, o: bind, device: "${BUNDLE_DATA}/app/b"}}
"""
    data = (DataFolder("app", gid=1000),)
    found = mapped(application(compose, data=data))
    claims = {each.name: each.body["spec"] for each in found.objects if each.kind == "PersistentVolumeClaim"}
    assert set(claims) == {"volume-db", "data-app"}
    assert claims["volume-db"]["accessModes"] == ["ReadWriteOnce"]
    assert claims["data-app"]["accessModes"] == ["ReadWriteMany"]
    size = claims["volume-db"]["resources"]["requests"]["storage"]
    assert isinstance(size, Setting)
    assert (size.name, size.default) == ("KUBE_SIZE_VOLUME_DB", "10Gi")
    assert claims["data-app"]["storageClassName"].name == "KUBE_SHARED_STORAGE_CLASS"
    mounts = {each["mountPath"]: each["subPath"] for each in container(found, "a")["volumeMounts"]}
    assert mounts == {"/data": "content", "/b": "content/b"}
    assert container(found, "db")["volumeMounts"][1]["subPath"] == "content/logs"
    assert any("must allow ReadWriteMany" in line for line in notes(found))


def test_replicas_share_a_volume() -> None:
    compose = "services: {a: {image: a, restart: always, scale: 2, volumes: ['v:/v']}}\nvolumes: {v: }"
    found = mapped(application(compose))
    assert find(found, "PersistentVolumeClaim", "volume-v")["spec"]["accessModes"] == ["ReadWriteMany"]
    assert find(found, "Deployment", "a")["spec"]["strategy"]["type"] == "RollingUpdate"


def test_files_are_configmaps_and_those_with_secrets_are_secrets() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    volumes: ["./web.conf:/etc/web.conf:ro", "./conf:/etc/conf", "./key.ini:/etc/key.ini:ro"]
"""
    files = [
        ConfigFile("web.conf", b"listen @@PORT@@;", template="nginx"),
        ConfigFile("conf/a.txt", b"a"),
        ConfigFile("conf/sub/run.sh", b"\xff\x00", 0o755),
        ConfigFile("key.ini", b"key=@@KEY@@", template="ini"),
    ]
    found = mapped(application(compose, files=files, secrets=["KEY"], variables=["PORT"]))
    assert find(found, "ConfigMap", "file-web-conf")["data"]["web.conf"].names == {"PORT"}
    folder = find(found, "ConfigMap", "file-conf")
    assert folder["data"] == {"a.txt": "a"}
    assert folder["binaryData"] == {"sub-run.sh": "/wA="}
    assert find(found, "Secret", "file-key-ini")["stringData"]["key.ini"].names == {"KEY"}
    volumes = {each["name"]: each for each in pod(found, "a")["volumes"]}
    items = volumes["configmap-file-conf"]["configMap"]["items"]
    assert items == [
        {"key": "a.txt", "path": "a.txt", "mode": 0o644},
        {"key": "sub-run.sh", "path": "sub/run.sh", "mode": 0o755},
    ]
    mounts = {each["mountPath"]: each.get("subPath") for each in container(found, "a")["volumeMounts"]}
    assert mounts == {"/etc/web.conf": "web.conf", "/etc/conf": None, "/etc/key.ini": "key.ini"}
    assert found.in_files == {"KEY": ("ini",), "PORT": ("nginx",)}
    annotations = find(found, "Deployment", "a")["spec"]["template"]["metadata"]["annotations"]
    checksum = annotations["bundle/checksum"]
    assert isinstance(checksum, Checksum)
    assert checksum.names == ("PORT",)  # a secret stands in no annotation
    assert "service a: volumes: /etc/conf is read-only, as all configuration files are" in notes(found)


def test_a_default_that_a_file_would_quote_is_reported() -> None:
    compose = "services: {a: {image: a, restart: always, volumes: ['./a.conf:/a:ro']}}"
    model = application(compose, files=[ConfigFile("a.conf", b"title @@TITLE@@;", template="nginx")])
    for default, count in (("plain", 0), ("two words", 1)):
        title = SiteVariable.model_validate({"name": "TITLE", "kind": "string", "default": default})
        found = notes(mapped(replace(model, variables=(title,))))
        assert (
            len([line for line in found if line.startswith("variable TITLE: default: a site must")]) == count
        )


def test_the_checksum_follows_the_files() -> None:
    compose = "services: {a: {image: a, restart: always, volumes: ['./a:/a:ro']}}"
    sums = set()
    for content in (b"1", b"2", b"1"):
        found = mapped(application(compose, files=[ConfigFile("a", content)]))
        template = find(found, "Deployment", "a")["spec"]["template"]
        sums.add(template["metadata"]["annotations"]["bundle/checksum"].digest)
    assert len(sums) == 2


def test_a_job_has_no_checksum_since_it_cannot_be_changed() -> None:
    compose = """services: {a: {image: a, restart: "no", volumes: ['./a:/a:ro']}}"""
    found = mapped(application(compose, files=[ConfigFile("a", b"1")]))
    assert "annotations" not in find(found, "Job", "a-1-0")["spec"]["template"]["metadata"]


def test_configs_and_secrets_of_the_document() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    configs: [{source: c, target: /etc/c, mode: 288}, d]
    secrets: [s, {source: t, target: other}]
configs: {c: {content: "a=${A} $$5"}, d: {file: ./d.txt}}
secrets: {s: {environment: KEY}, t: {file: ./d.txt}}
"""
    found = mapped(application(compose, files=[ConfigFile("d.txt", b"d")], secrets=["KEY"], variables=["A"]))
    assert find(found, "ConfigMap", "configs-c")["data"]["content"].expression == "a=${A} $$5"
    assert find(found, "ConfigMap", "configs-d")["data"]["content"] == "d"
    assert find(found, "Secret", "secrets-s")["stringData"]["content"].names == {"KEY"}
    assert find(found, "Secret", "secrets-t")["stringData"]["content"] == "d"
    mounts = {each["mountPath"] for each in container(found, "a")["volumeMounts"]}
    assert mounts == {"/etc/c", "/d", "/run/secrets/s", "/run/secrets/other"}
    volumes = {each["name"]: each for each in pod(found, "a")["volumes"]}
    assert volumes["configmap-configs-c"]["configMap"]["items"][0]["mode"] == 0o440


def test_memory_is_an_empty_folder() -> None:
    compose = """
services:
  a:
    image: a
    restart: always
    shm_size: 256m
    tmpfs: ["/tmp:size=64m,mode=1777", "/run:uid=3"]
    volumes: [/cache]
"""
    found = mapped(application(compose))
    volumes = {each["mountPath"]: each["name"] for each in container(found, "a")["volumeMounts"]}
    named = {each["name"]: each["emptyDir"] for each in pod(found, "a")["volumes"]}
    assert named[volumes["/tmp"]] == {"medium": "Memory", "sizeLimit": "64Mi"}  # noqa: S108 the container's
    assert named[volumes["/dev/shm"]] == {"medium": "Memory", "sizeLimit": "256Mi"}  # noqa: S108 likewise
    assert named[volumes["/cache"]] == {}
    assert any("/run: uid are left out" in line for line in notes(found))


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ("/var/run/docker.sock:/var/run/docker.sock", "a cluster has no socket of the engine"),
        ("/proc:/host/proc:ro", "/proc is a path of one host"),
        ("./missing:/a", "missing is not in the bundle"),
        ("./large:/a", "1048577 bytes are more than a ConfigMap holds"),
        ("{type: image, source: b, target: /b}", "volumes of the type image have no counterpart"),
        ("${BUNDLE_DATA}/begun/a.txt:/a", "begun/a.txt is a file with initial content"),
        ("outside:/a", "a volume that others made"),
        ("nfs:/a", "the storage class of the site decides"),
    ],
)
def test_what_a_cluster_cannot_mount_is_refused(volume: str, reason: str) -> None:
    quoted = volume if volume.startswith("{") else f'"{volume}"'
    compose = f"""
services: {{a: {{image: a, restart: always, volumes: [{quoted}]}}}}
volumes: {{outside: {{external: true}}, nfs: {{driver_opts: {{type: nfs, device: ":/a"}}}}}}
"""
    model = application(
        compose, files=[ConfigFile("large", b"x" * ((1 << 20) + 1))], initial=(InitialFile("begun/a.txt"),)
    )
    with pytest.raises(BundleError, match=f"impossible in a cluster: .*{reason}") as error:
        mapped(model)
    assert error.value.hint


def test_initial_content_is_delivered_once(tmp_path: Path) -> None:
    compose = """services: {a: {image: a, restart: always, user: "7", volumes: ["${BUNDLE_DATA}/d:/d"]}}"""
    files = [ConfigFile(".initial-data/d/x", b"x"), ConfigFile(".initial-data/d/sub/run", b"r")]
    initial = (InitialFile("d/x"), InitialFile("d/sub/run", 0o755))
    found = mapped(application(compose, files=files, initial=initial))
    [made] = pod(found, "a")["initContainers"]
    assert made["securityContext"] == container(found, "a")["securityContext"]
    places = {each["mountPath"]: each["name"] for each in made["volumeMounts"]}
    volumes = {each["name"]: each for each in pod(found, "a")["volumes"]}
    assert set(places.values()) <= set(volumes)
    script = find(found, "ConfigMap", "bundle-deliver")["data"]["deliver.sh"]
    [source] = [each for each in places if each.endswith("/from")]
    for item in volumes[places[source]]["configMap"]["items"]:
        path = tmp_path / source.strip("/") / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item["key"])
    arguments = [word if word.isdecimal() else f"{tmp_path}{word}" for word in made["command"][2:]]
    to = tmp_path / source.strip("/").replace("/from", "/to")
    to.mkdir()
    (to / "x").write_text("of the site")
    for _ in range(2):
        subprocess.run(["sh", "-c", script, "deliver", *arguments], check=True)
        assert (to / "x").read_text() == "of the site"
    run = to / "sub/run"
    assert run.stat().st_mode & 0o777 == 0o755
    run.unlink()
    subprocess.run(["sh", "-c", script, "deliver", *arguments], check=True)
    assert not run.exists()


@pytest.mark.parametrize(
    ("kind", "names"), [("secrets", "[db_password, db-password]"), ("configs", "[app.conf, app_conf]")]
)
def test_two_entries_that_become_one_object_are_refused(kind: str, names: str) -> None:
    first, second = names.strip("[]").split(", ")
    compose = f"""
services: {{a: {{image: a, restart: always, {kind}: {names}}}}}
{kind}: {{{first}: {{content: "1"}}, {second}: {{content: "2"}}}}
"""
    with pytest.raises(BundleError, match=f"that of {kind}.{first}, and that of {kind}.{second}"):
        mapped(application(compose))


def test_each_grant_has_its_own_mode_and_no_owner() -> None:
    compose = """
services:
  a: {image: a, restart: always, secrets: [{source: s, mode: 0400, uid: "5"}, {source: s, target: t}]}
  b: {image: b, restart: always, secrets: [{source: s, mode: 0440}]}
secrets: {s: {content: x}}
"""
    found = mapped(application(compose))
    by_name = {each["name"]: each["secret"]["items"][0]["mode"] for each in pod(found, "a")["volumes"]}
    mounts = {each["mountPath"]: by_name[each["name"]] for each in container(found, "a")["volumeMounts"]}
    assert mounts == {"/run/secrets/s": 0o400, "/run/secrets/t": 0o444}
    assert pod(found, "b")["volumes"][0]["secret"]["items"][0]["mode"] == 0o440
    lost = "service a: secrets.s: uid left out: it belongs to root, and others read it as its mode says"
    assert [line for line in notes(found) if "uid" in line] == [lost]


def test_volumes_of_a_pod_have_names_of_their_own() -> None:
    compose = "services: {a: {image: a, restart: always, tmpfs: [/var/run, /var-run]}}"
    assert len({each["name"] for each in pod(mapped(application(compose)), "a")["volumes"]}) == 2


@pytest.mark.parametrize("path", ["../../etc", "/etc", "${X}"])
def test_a_folder_outside_of_its_volume_is_refused(path: str) -> None:
    volume = f"{{type: volume, source: v, target: /v, volume: {{subpath: '{path}'}}}}"
    compose = f"services: {{a: {{image: a, restart: always, volumes: [{volume}]}}}}\nvolumes: {{v: }}"
    with pytest.raises(BundleError, match="is no folder of the volume"):
        mapped(application(compose, variables=["X"]))


def test_files_whose_names_begin_with_two_dots() -> None:
    compose = "services: {a: {image: a, restart: always, volumes: ['./..data:/a:ro']}}"
    found = mapped(application(compose, files=[ConfigFile("..data", b"x")]))
    assert find(found, "ConfigMap", "file-data")["data"] == {"file..data": "x"}
    folder = application(compose.replace("..data", "f"), files=[ConfigFile("f/..data", b"x")])
    with pytest.raises(BundleError, match=r"name begins with `..`: f/..data"):
        mapped(folder)

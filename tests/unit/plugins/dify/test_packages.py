"""Packages for Code nodes, mirrors of the intranet, accounts."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bundler.api.application import ApplicationModel
from bundler.errors import BundleError, ProfileError
from bundler.profile.load import load_profile
from bundler_dify.settings import DifySettings
from tests.support import dify

SSRF = {"domains": [".bank.example"], "connect_ports": [8443]}
PIP = "https://pypi.bank.example:8443/simple"
NPM = "http://npm.bank.example/"


def write_wheel(folder: Path, name: str, version: str, *needs: str, tags: str = "py3-none-any") -> str:
    """A wheel that pip takes (the binary distribution format of PyPA), with one module."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    purelib = "true" if tags.endswith("-any") else "false"
    about = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {purelib}\nTag: {tags}\n"
    files = {f"{name}.py": f"VERSION = '{version}'\n", f"{info}/METADATA": metadata, f"{info}/WHEEL": about}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    target = f"{name}-{version}-{tags}.whl"
    with zipfile.ZipFile(folder / target, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return target


def packed(folder: Path, *wheels: str, **more: object) -> ApplicationModel:
    packages = {"python": "3.13", "wheels": list(wheels), **more}
    return dify.model({"code_packages": packages}, folder)


def carried(application: ApplicationModel) -> set[str]:
    return {file.path for file in application.files if file.path.startswith("code-packages/")}


# ---------------------------------------------------------------- wheels


def test_wheels_travel_and_the_sandbox_installs_from_them_alone(tmp_path: Path) -> None:
    wheels = (write_wheel(tmp_path, "rates", "1.2", "shapes>=2"), write_wheel(tmp_path, "shapes", "2.1"))
    application = packed(tmp_path, *wheels)
    folder = "code-packages"
    assert carried(application) == {
        f"{folder}/python-requirements.txt", *(f"{folder}/wheels/{name}" for name in wheels),
    }  # fmt: skip
    assert dify.content(application, f"{folder}/python-requirements.txt") == "rates==1.2\nshapes==2.1\n"
    sandbox = application.compose["services"]["sandbox"]
    assert "./code-packages:/dependencies:ro" in sandbox["volumes"]
    assert "sandbox/dependencies" not in {data.path for data in application.data}
    found = sandbox["environment"]
    assert (found["PIP_NO_INDEX"], found["PIP_FIND_LINKS"]) == ("1", "/dependencies/wheels")
    assert found["PIP_MIRROR_URL"] == ""


def test_what_is_rendered_installs_with_what_the_sandbox_says_to_pip(tmp_path: Path) -> None:
    """Its command (setup.go), with its environment, without an index."""
    wheels = (write_wheel(tmp_path, "rates", "1.2", "shapes>=2"), write_wheel(tmp_path, "shapes", "2.1"))
    application = packed(tmp_path, *wheels, requirements=["rates"])
    inside = tmp_path / "dependencies"
    (inside / "wheels").mkdir(parents=True)
    for file in application.files:
        if file.path.startswith("code-packages/"):
            (inside / file.path.removeprefix("code-packages/")).write_bytes(file.read())
    told = application.compose["services"]["sandbox"]["environment"]
    names = ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_DISABLE_PIP_VERSION_CHECK")
    environment = {name: told[name].replace("/dependencies", str(inside)) for name in names}
    target = tmp_path / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--target", target, "-r", "python-requirements.txt"],
        cwd=inside, env={**os.environ, **environment, "PIP_CONFIG_FILE": os.devnull}, check=True,
    )  # fmt: skip
    code = "import rates, shapes; print(rates.VERSION, shapes.VERSION)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "1.2 2.1\n"


def test_only_wheels_for_the_sandboxs_python_and_platform_travel(tmp_path: Path) -> None:
    wheels = [
        write_wheel(tmp_path, "fast", "1.0", tags=tags)
        for tags in (
            "cp313-cp313-manylinux_2_28_x86_64",
            "cp313-cp313-manylinux_2_28_aarch64",
            "cp312-cp312-linux_x86_64",
        )
    ]
    assert carried(packed(tmp_path, *wheels)) == {
        "code-packages/python-requirements.txt",
        f"code-packages/wheels/{wheels[0]}",
    }


@pytest.mark.parametrize(
    ("tags", "needs", "message"),
    [
        ("py3-none-any", ["shapes>=2"], "No matching distribution found for shapes"),
        ("cp312-cp312-manylinux_2_28_x86_64", [], "No matching distribution found for rates"),
        ("cp313-cp313-manylinux_2_28_aarch64", [], "No matching distribution found for rates"),
    ],
)
def test_wheels_that_are_not_whole_fail_the_build(
    tags: str, needs: list[str], message: str, tmp_path: Path
) -> None:
    """At the site the sandbox would end at each start."""
    wheel = write_wheel(tmp_path, "rates", "1.2", *needs, tags=tags)
    with pytest.raises(BundleError, match=message) as error:
        packed(tmp_path, wheel)
    assert "CPython 3.13 on linux/amd64" in str(error.value.hint)


def test_a_file_that_is_no_wheel_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "rates.zip").write_bytes(b"")
    with pytest.raises(BundleError, match=r"code_packages: rates\.zip: is not the name of a wheel"):
        packed(tmp_path, "rates.zip")
    with pytest.raises(BundleError, match=r"gone-1-py3-none-any\.whl: cannot be read"):
        packed(tmp_path, "gone-1-py3-none-any.whl")


# ---------------------------------------------------------------- mirrors


def test_a_mirror_is_told_to_each_program_in_its_own_words() -> None:
    application = dify.model(
        {
            "mirrors": {"pip": PIP, "npm": NPM},
            "ssrf": SSRF,
            "code_packages": {"requirements": ["numpy==2.2.1"]},
        }
    )
    sandbox = dify.environment(application, "sandbox")
    assert sandbox["PIP_MIRROR_URL"] == PIP
    assert "PIP_NO_INDEX" not in sandbox
    assert dify.environment(application, "plugin_daemon")["PIP_MIRROR_URL"] == PIP
    agents = dify.environment(application, "local_sandbox")
    assert (agents["PIP_INDEX_URL"], agents["UV_DEFAULT_INDEX"], agents["NPM_CONFIG_REGISTRY"]) == (
        PIP,
        PIP,
        NPM,
    )
    assert dify.content(application, "code-packages/python-requirements.txt") == "numpy==2.2.1\n"
    own = dify.model({"mirrors": {"pip": PIP}, "ssrf": SSRF, "plugin_index": "http://other.bank.example/"})
    assert dify.environment(own, "plugin_daemon")["PIP_MIRROR_URL"] == "http://other.bank.example/"


def test_without_any_nothing_changes() -> None:
    application = dify.model({})
    assert "NPM_CONFIG_REGISTRY" not in dify.environment(application, "local_sandbox")
    assert carried(application) == set()
    volumes = application.compose["services"]["sandbox"]["volumes"]
    assert "${BUNDLE_DATA}/sandbox/dependencies:/dependencies" in volumes


# ---------------------------------------------------------------- accounts


def test_nobody_signs_up_and_no_provider_is_asked_unless_the_profile_says_so() -> None:
    found = dify.environment(dify.model({}), "api")
    off = ("ALLOW_REGISTER", "ALLOW_CREATE_WORKSPACE", "ENABLE_EMAIL_CODE_LOGIN", "ENABLE_SOCIAL_OAUTH_LOGIN")
    assert {found[name] for name in off} == {"false"}
    assert found["WORKFLOW_LOG_CLEANUP_ENABLED"] == "false"
    assert "GITHUB_CLIENT_ID" not in found


def test_accounts_and_retention_are_the_profiles() -> None:
    application = dify.model(
        {
            "accounts": {
                "sign_up": True, "email_code": True, "oauth": ["github"],
                "access_token_minutes": 15, "refresh_token_days": 1,
            },
            "retention": {"workflow_log_days": 90},
            "smtp": {},
        }
    )  # fmt: skip
    for service in ("api", "api_websocket", "worker", "worker_beat", "migrate"):
        found = dify.environment(application, service)
        assert (found["ALLOW_REGISTER"], found["ENABLE_SOCIAL_OAUTH_LOGIN"]) == ("true", "true")
        assert (found["ACCESS_TOKEN_EXPIRE_MINUTES"], found["REFRESH_TOKEN_EXPIRE_DAYS"]) == ("15", "1")
        assert (found["WORKFLOW_LOG_CLEANUP_ENABLED"], found["WORKFLOW_LOG_RETENTION_DAYS"]) == ("true", "90")
        assert found["GITHUB_CLIENT_SECRET"] == "${GITHUB_CLIENT_SECRET}"
    names = {one.name: one for one in application.variables}
    assert (names["GITHUB_CLIENT_SECRET"].kind, names["GITHUB_CLIENT_SECRET"].required) == ("secret", True)
    assert "GOOGLE_CLIENT_ID" not in names
    only = dify.model({"accounts": {"oauth": ["google"]}}).compose["services"]["api"]
    assert "egress" in only["networks"]


# ---------------------------------------------------------------- what does not go together


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"code_packages": {"wheels": ["a-1-py3-none-any.whl"]}}, "wheels are for one Python"),
        ({"code_packages": {"requirements": ["numpy"]}}, "nothing says where the sandbox gets them from"),
        ({"code_packages": {"requirements": ["-r other.txt"]}}, "is not a package"),
        ({"code_packages": {"requirements": ["https://a.example/b.whl"]}}, "is not a package"),
        ({"code_packages": {"requirements": ["a\nb"]}}, "is not a package"),
        ({"code_packages": {"python": "3"}}, "code_packages.python"),
        ({"mirrors": {"pip": PIP}}, "let no sandbox reach pypi.bank.example"),
        (
            {"mirrors": {"npm": NPM}, "ssrf": {"domains": ["other.example"]}},
            "no sandbox reach npm.bank.example",
        ),
        ({"mirrors": {"pip": PIP}, "ssrf": {"domains": [".bank.example"]}}, "HTTPS on port 443 only"),
        ({"mirrors": {"pip": "http://10.9.0.1/"}, "ssrf": {"cidrs": ["10.8.0.0/16"]}}, "reach 10.9.0.1"),
        ({"accounts": {"email_code": True}}, "sends no mail"),
        ({"accounts": {"oauth": ["github"]}, "tls": {"mode": "off"}}, "only said with TLS"),
        ({"accounts": {"oauth": ["gitlab"]}}, "accounts.oauth"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dify.settings(values)


def test_a_mirror_by_address_is_allowed_where_its_range_is() -> None:
    dify.settings({"mirrors": {"pip": "http://10.8.0.1:8081/"}, "ssrf": {"cidrs": ["10.8.0.0/16"]}})


def test_the_error_names_line_and_remedy(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text(f"extends: standard\nsettings:\n  mirrors:\n    pip: {PIP}\n")
    with pytest.raises(
        ProfileError, match=r"bank\.yaml:4: settings\.mirrors\.pip: the proxies let no"
    ) as error:
        load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert "ssrf: {domains: [pypi.bank.example]}" in str(error.value.hint)

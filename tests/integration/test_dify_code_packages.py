"""Wheels for Dify's Code nodes, selected and installed by the real pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.errors import BundleError
from tests.support import dify
from tests.support.dify_wheels import carried, packed, write_wheel


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


def test_the_rendered_files_install_with_the_sandboxs_pip_options(tmp_path: Path) -> None:
    """Uses the sandbox's own command (setup.go) and environment, without a package index."""
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
def test_an_incomplete_set_of_wheels_fails_the_build(
    tags: str, needs: list[str], message: str, tmp_path: Path
) -> None:
    """At the site, the sandbox would exit at every start."""
    wheel = write_wheel(tmp_path, "rates", "1.2", *needs, tags=tags)
    with pytest.raises(BundleError, match=message) as error:
        packed(tmp_path, wheel)
    assert "CPython 3.13 on linux/amd64" in str(error.value.hint)

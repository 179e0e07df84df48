"""`env_file` becomes `environment`, and `label_file` becomes `labels`."""

from __future__ import annotations

import pytest

from bundler.errors import BundleError
from bundler_compose.reading.environment import read_environment
from bundler_compose.reading.interpolation import Interpolation
from bundler_compose.reading.service_files import EnvFile, resolve_environment, resolve_labels
from bundler_compose.site_text import Marks

FILES = {
    "a.env": "A=1\nOWN=file\nREF=${A}-${OWN}-${SITE}\nNAMED\nPASSED\n",
    "b.env": "A=2\nB=${A}\n",
    "raw.env": "Q='x'\nR=${A}\n",
    "l.txt": "one=1\ntwo=${one}${SITE}\nown=file\n",
}


def read(path: str) -> bytes | None:
    return FILES[path].encode() if path in FILES else None


def nothing(name: str) -> None:
    """Stand for an environment without variables."""
    del name


def resolve(
    own: dict[str, str | None], *paths: str, site: bool = False, dotenv: str = "SITE=s\nPASSED=p\n"
) -> dict[str, str | None]:
    marks = Marks()
    found = read_environment({}, {".env": dotenv.encode()}.get)
    interpolation = Interpolation(found.for_site(marks) if site else found.read_today, marks)
    files = [EnvFile(path, "compose.yaml:3") for path in paths]
    resolved = resolve_environment(own, files, read, interpolation, found.today)
    return {name: value if value is None else marks.render(value) for name, value in resolved.items()}


def test_files_come_in_order_and_the_service_goes_before_them() -> None:
    assert resolve({"OWN": "service", "NONE": None}, "a.env", "b.env") == {
        "A": "2", "OWN": "service", "REF": "1-service-s", "PASSED": "p", "B": "2", "NONE": None,
    }  # fmt: skip


def test_at_the_site_the_variables_of_the_project_stay_uses() -> None:
    assert resolve({"OWN": "service", "PASSED": None}, "a.env", "b.env", site=True) == {
        "A": "2",
        "OWN": "service",
        "REF": "${A-1}-${OWN-service}-${SITE}",
        "PASSED": None,
        "B": "${A-2}",
    }


def test_a_named_variable_without_a_value_today_is_not_passed() -> None:
    assert resolve({}, "a.env", site=True, dotenv="").keys() == {"A", "OWN", "REF"}


def test_raw_files_are_not_interpolated() -> None:
    marks = Marks()
    interpolation = Interpolation(nothing, marks)
    file = EnvFile("raw.env", "compose.yaml:3", format="raw")
    assert resolve_environment({}, [file], read, interpolation, nothing) == {"Q": "'x'", "R": "${A}"}
    with pytest.raises(BundleError, match=r"compose\.yaml:3: env_file has no format 'json'"):
        resolve_environment(
            {}, [EnvFile("raw.env", "compose.yaml:3", format="json")], read, interpolation, nothing
        )


def test_a_missing_file_is_an_error_unless_it_is_optional() -> None:
    interpolation = Interpolation(nothing, Marks())
    with pytest.raises(BundleError, match=r"compose\.yaml:3: gone\.env is not there"):
        resolve_environment({}, [EnvFile("gone.env", "compose.yaml:3")], read, interpolation, nothing)
    optional = EnvFile("gone.env", "compose.yaml:3", required=False)
    assert resolve_environment({"A": "1"}, [optional], read, interpolation, nothing) == {"A": "1"}


def test_labels_see_only_labels() -> None:
    interpolation = Interpolation({"SITE": "s"}.get, Marks())
    files = [EnvFile("l.txt", "compose.yaml:3")]
    assert resolve_labels({"own": "service"}, files, read, interpolation) == {
        "one": "1", "two": "1", "own": "service",
    }  # fmt: skip

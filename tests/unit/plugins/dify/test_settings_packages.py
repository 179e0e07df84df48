"""Packages for Code nodes, internal mirrors, accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bundler.errors import BundleError, ProfileError
from bundler_dify.settings.model import DifySettings
from tests.support import dify
from tests.support.dify_wheels import carried, packed
from tests.support.profiles import load_profile

SSRF = {"domains": [".bank.example"], "connect_ports": [8443]}
PIP = "https://pypi.bank.example:8443/simple"
NPM = "http://npm.bank.example/"


# ---------------------------------------------------------------- wheels


def test_an_invalid_or_missing_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "rates.zip").write_bytes(b"")
    with pytest.raises(BundleError, match=r"code_packages: rates\.zip: is not a wheel file name"):
        packed(tmp_path, "rates.zip")
    with pytest.raises(BundleError, match=r"gone-1-py3-none-any\.whl: cannot be read"):
        packed(tmp_path, "gone-1-py3-none-any.whl")


# ---------------------------------------------------------------- mirrors


def test_each_program_gets_the_mirror_in_its_own_variables() -> None:
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


def test_without_mirrors_or_wheels_nothing_changes() -> None:
    application = dify.model({})
    assert "NPM_CONFIG_REGISTRY" not in dify.environment(application, "local_sandbox")
    assert carried(application) == set()
    volumes = application.compose["services"]["sandbox"]["volumes"]
    assert "${BUNDLE_DATA}/sandbox/dependencies:/dependencies" in volumes


# ---------------------------------------------------------------- accounts


def test_signup_and_providers_are_off_by_default() -> None:
    found = dify.environment(dify.model({}), "api")
    off = ("ALLOW_REGISTER", "ALLOW_CREATE_WORKSPACE", "ENABLE_EMAIL_CODE_LOGIN", "ENABLE_SOCIAL_OAUTH_LOGIN")
    assert {found[name] for name in off} == {"false"}
    assert found["WORKFLOW_LOG_CLEANUP_ENABLED"] == "false"
    assert "GITHUB_CLIENT_ID" not in found


def test_accounts_and_retention_come_from_the_profile() -> None:
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


# ---------------------------------------------------------------- incompatible settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"code_packages": {"wheels": ["a-1-py3-none-any.whl"]}}, "wheels are built for one Python"),
        ({"code_packages": {"requirements": ["numpy"]}}, "no source is set for the sandbox's packages"),
        ({"code_packages": {"requirements": ["-r other.txt"]}}, "is not a package"),
        ({"code_packages": {"requirements": ["https://a.example/b.whl"]}}, "is not a package"),
        ({"code_packages": {"requirements": ["a\nb"]}}, "is not a package"),
        ({"code_packages": {"python": "3"}}, "code_packages.python"),
        ({"mirrors": {"pip": PIP}}, "do not allow the sandbox to reach pypi.bank.example"),
        (
            {"mirrors": {"npm": NPM}, "ssrf": {"domains": ["other.example"]}},
            "do not allow the sandbox to reach npm.bank.example",
        ),
        ({"mirrors": {"pip": PIP}, "ssrf": {"domains": [".bank.example"]}}, "HTTPS only on port 443"),
        ({"mirrors": {"pip": "http://10.9.0.1/"}, "ssrf": {"cidrs": ["10.8.0.0/16"]}}, "reach 10.9.0.1"),
        ({"accounts": {"email_code": True}}, "sends no mail"),
        ({"accounts": {"oauth": ["github"]}, "tls": {"mode": "off"}}, "only known with TLS"),
        ({"accounts": {"oauth": ["gitlab"]}}, "accounts.oauth"),
    ],
)
def test_incompatible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dify.settings(values)


def test_a_mirror_by_address_is_allowed_within_an_allowed_range() -> None:
    dify.settings({"mirrors": {"pip": "http://10.8.0.1:8081/"}, "ssrf": {"cidrs": ["10.8.0.0/16"]}})


def test_the_error_names_line_and_hint(tmp_path: Path) -> None:
    own = tmp_path / "bank.yaml"
    own.write_text(f"extends: standard\nsettings:\n  mirrors:\n    pip: {PIP}\n")
    with pytest.raises(
        ProfileError, match=r"bank\.yaml:4: settings\.mirrors\.pip: the proxies do not allow"
    ) as error:
        load_profile(str(own), search=[dify.PROFILES]).settings(DifySettings)
    assert "ssrf: {domains: [pypi.bank.example]}" in str(error.value.hint)

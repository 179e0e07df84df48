"""The application `dify`, modelled as in a build."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bundler.api.application import ApplicationContext, ApplicationModel
from bundler.api.text import Text
from bundler.image.platform import Platform
from bundler_dify.application import DifyApplication
from bundler_dify.settings.model import DifySettings
from tests.support.profiles import load_profile

PROFILES = Path(__file__).parents[2] / "profiles"
NAMES = ("dev", "standard", "finance")
AMD64 = Platform.parse("linux/amd64")
AUTHORITY = str(Path(__file__).with_name("bank-ca.pem"))
"""The certificate of an authority whose private key was discarded."""
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}|@@([A-Z][A-Z0-9_]*)@@")

BUILT_IN = {"BUNDLE_ROOT", "BUNDLE_DATA", "BUNDLE_CONFIG", "BUNDLE_RELEASE", "BUNDLE_CERTIFICATES"}
"""Variables that the installer defines itself."""

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "http": {"tls": {"mode": "off"}},
    "load balancer": {"tls": {"mode": "upstream", "trusted_proxies": ["10.0.0.5/32"]}},
    "qdrant": {"vector_store": "qdrant"},
    "pgvector": {"vector_store": "pgvector"},
    "shared pgvector": {"vector_store": "pgvector-shared"},
    "milvus": {"vector_store": "milvus"},
    "external servers": {
        "database": {"mode": "external", "sslmode": "verify-full"},
        "redis": {"mode": "external", "tls": True},
        "storage": {"mode": "s3"},
        "smtp": {},
        "ca_certificates": [AUTHORITY],
    },
    "mysql": {"database": {"type": "mysql"}},
    "external mysql": {
        "database": {"mode": "external", "type": "mysql", "sslmode": "verify-full"},
        "ca_certificates": [AUTHORITY],
    },
    "external oceanbase": {"database": {"mode": "external", "type": "oceanbase"}},
    "sentinel": {"redis": {"mode": "external", "topology": "sentinel"}},
    "cluster": {"redis": {"mode": "external", "topology": "cluster"}},
    "elasticsearch": {"vector_store": "elasticsearch"},
    "opensearch": {"vector_store": "opensearch"},
    **{
        f"external {store}": {"vector_store": store, "vector_server": {"mode": "external"}}
        for store in ("weaviate", "qdrant", "milvus", "pgvector", "elasticsearch", "opensearch")
    },
    **{
        f"external {store} in TLS": {
            "vector_store": store,
            "vector_server": {"mode": "external", "tls": True},
            "ca_certificates": [AUTHORITY],
        }
        for store in ("pgvector", "elasticsearch", "opensearch")
    },
    "external shared pgvector": {"vector_store": "pgvector-shared", "database": {"mode": "external"}},
    "no limits": {"limits": False, "gateway": {"rate_limits": {"enabled": False}}},
    "journald": {"logging": {"driver": "journald"}, "smtp": {"security": "none", "login": False}},
    "hardened": {
        "hardening": True,
        "api_replicas": 3,
        "worker_replicas": 2,
        "gateway": {"strict_host": True, "allow_embedding": True},
        "network": {"pool": "172.30.240.0/20"},
        "ssrf": {
            "domains": ["llm.bank.example", ".tools.bank.example"],
            "cidrs": ["10.20.0.0/16", "fd00:1::/64"],
            "connect_ports": [8443, 9443],
        },
        "resources": {"api": {"cpus": 4, "reserved_cpus": 1, "reserved_memory": "512MiB"}},
    },
    "1.18.0": {
        "version": "1.18.0",
        "images": {
            "plugin_daemon": "langgenius/dify-plugin-daemon:0.6.12-local",
            "sandbox": "b/sandbox:0.2.16",
        },
        "password_pepper": True,
    },
    "public": {"ssrf": {"allow_public": True}, "plugin_index": "http://pypi.bank.example/simple"},
}
"""Settings that change what is rendered, alone and in combination."""


PUBLISHED = {
    # The public secrets of Dify 1.17.1 (docker/docker-compose.yaml and .env.example).
    "difyai123456",
    "WVF5YThaHlkYwhGUSmCRgsX3tD5ngdN8pkih",
    "lYkiYYT6owG+71oLerGzA7GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi",
    "QaHbTe77CtuXmsfyhR7+vRjI/+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1",
    "dify-agent-run-token-for-dev-only",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
    "sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U",
    "minioadmin",
    "root:Milvus",
}
SANDBOX_DEFAULT = re.compile(r"(?<!langgenius/)\bdify-sandbox\b(?!:0)")
"""`dify-sandbox` is both the default key and the name of the image."""


def settings(values: Mapping[str, Any]) -> DifySettings:
    """Parse settings as from a profile."""
    return DifySettings.model_validate_json(json.dumps(values))


def model(values: Mapping[str, Any], base: Path = PROFILES, **more: Any) -> ApplicationModel:  # noqa: ANN401 of the context
    """Return the application's model for these settings."""
    context = ApplicationContext("test", settings(values), base, None, AMD64, **more)
    return DifyApplication().model(context)


def profile_model(name: str) -> ApplicationModel:
    """Return the application's model for a built-in profile."""
    loaded = load_profile(name, search=[PROFILES])
    context = ApplicationContext(
        name, loaded.settings(DifySettings), loaded.base, loaded.profile.version, AMD64
    )
    return DifyApplication().model(context)


def content(application: ApplicationModel, path: str) -> str:
    """Return the content of a file below `config/`."""
    found = next(file.content for file in application.files if file.path == path)
    assert isinstance(found, bytes)
    return found.decode()


def compose_text(application: ApplicationModel) -> str:
    """Return the Compose document as YAML."""
    return yaml.safe_dump(dict(application.compose), sort_keys=False, allow_unicode=True, width=110)


def _plain(value: object) -> object:
    return value.model_dump() if isinstance(value, Text) else value


def tree(application: ApplicationModel) -> dict[str, str]:
    """Map the path of everything that is rendered to its text."""
    variables = [
        {key: _plain(value) for key, value in vars(variable).items() if value not in ("", None, (), False)}
        for variable in application.variables
    ]
    data = [vars(folder) | {"mode": f"{folder.mode:04o}"} for folder in application.data]
    requirements = [vars(requirement) for requirement in application.requirements]
    certificates = [vars(certificate) for certificate in application.certificates]
    lifecycle = vars(application.lifecycle) | {"dumps": [vars(dump) for dump in application.lifecycle.dumps]}
    facts = {
        "variables": variables,
        "data": data,
        "certificates": certificates,
        "requirements": requirements,
        "lifecycle": {key: list(value) for key, value in lifecycle.items()},
        "probes": [
            {key: _plain(value) for key, value in vars(probe).items()} | {"command": list(probe.command)}
            for probe in application.probes
        ],
    }
    return {
        "compose.yaml": compose_text(application),
        "site.yaml": yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=110),
        **{file.path: content(application, file.path) for file in application.files},
        **{
            f"files/{file.path}": file.content.decode()
            for file in application.carried
            # Programs are the same in every rendering; they are reviewed in their own source files.
            if isinstance(file.content, bytes) and not file.path.endswith(".py")
        },
    }


def used_variables(application: ApplicationModel) -> set[str]:
    """Return the names of the site variables that are used."""
    texts = [compose_text(application)]
    texts += [content(application, file.path) for file in application.files if file.template]
    return {one or other for text in texts for one, other in _VARIABLE.findall(text)} - BUILT_IN


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `${NAME}` and `@@NAME@@` by values, as the site does."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)


def site_values(application: ApplicationModel, folder: Path) -> dict[str, str]:
    """Return a value for every site variable; all secrets differ."""
    values = {"BUNDLE_DATA": f"{folder}/data", "BUNDLE_ROOT": str(folder), "BUNDLE_CONFIG": str(folder)}
    values["BUNDLE_CERTIFICATES"] = "0123456789abcdef"
    for variable in application.variables:
        if variable.kind == "secret":
            values[variable.name] = f"{variable.name.lower().replace('_', '-')}-value"
        else:
            values[variable.name] = variable.default or {"host": "dify.bank.example"}.get(variable.kind, "x")
    return values


def environment(application: ApplicationModel, service: str) -> dict[str, str]:
    """Return the environment of a service."""
    found: dict[str, str] = application.compose["services"][service].get("environment", {})
    return found

"""Configuration files of nginx, squid and the sandbox, and files that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from bundler.api.application import ConfigFile
from bundler.api.templates.formats import TemplateFormat
from bundler.api.templates.jinja import render_text
from bundler.errors import BundleError
from bundler.language import tr
from bundler_dify.local_files import read_file
from bundler_dify.parts import NETWORKS
from bundler_dify.settings.model import DifySettings


def config_files(settings: DifySettings, base: Path) -> tuple[ConfigFile, ...]:
    """Return all files below `config/` except the Compose document.

    Args:
        settings: settings of the profile.
        base: folder that relative paths in the profile start from.

    Raises:
        BundleError: a file cannot be read or is invalid.
    """
    return (
        *rendered_files(settings, cluster=False),
        *_authorities(settings, base),
        *_plugin_keys(settings, base),
    )


def rendered_files(settings: DifySettings, *, cluster: bool) -> tuple[ConfigFile, ...]:
    """Return the files that are rendered from templates.

    Args:
        settings: settings of the profile.
        cluster: whether a cluster reads them, and not one host with Docker.
    """
    values = {**_values(settings), "cluster": cluster}
    return (
        _rendered("nginx/nginx.conf", values, site="nginx"),
        _rendered("squid/squid.conf", values),
        _rendered("squid/squid-agent.conf", values),
        # It contains the sandbox's key, and the sandbox reads it as root.
        _rendered("sandbox/config.yaml", values, site="yaml", mode=0o600),
    )


def _rendered(
    path: str, values: dict[str, Any], *, site: TemplateFormat | None = None, mode: int = 0o644
) -> ConfigFile:
    name = f"{path.rpartition('/')[2]}.j2"
    source = (resources.files("bundler_dify") / "templates" / name).read_text(encoding="utf-8")
    text = render_text(source, name, values)
    return ConfigFile(path, text.encode(), mode=mode, template=site)


def _values(settings: DifySettings) -> dict[str, Any]:
    common = resources.files("bundler_dify") / "templates" / "squid-common.conf"
    return {
        "settings": settings.model_dump(),
        "largest_mb": settings.uploads.largest_mb,
        "pool": settings.network.pool,
        "squid_common": common.read_text(encoding="utf-8"),
        "networks": len(NETWORKS),
    }


def _authorities(settings: DifySettings, base: Path) -> Iterator[ConfigFile]:
    if not settings.ca_certificates:
        return
    from cryptography import x509  # noqa: PLC0415 40 ms, only with own authorities

    parts = []
    for path in settings.ca_certificates:
        content = read_file(base / path, "ca_certificates")
        if b"PRIVATE KEY" in content:
            raise BundleError(
                tr(
                    "{path}: settings: ca_certificates: contains a private key, which must not be "
                    "in a bundle",
                    path=path,
                ),
                hint=tr("use a file that contains only the certificates"),
            )
        try:
            found = x509.load_pem_x509_certificates(content)
        except ValueError as error:
            raise BundleError(
                tr("{path}: settings: ca_certificates: contains no certificate in PEM format", path=path),
                hint=tr("to convert a DER file: openssl x509 -inform der -in FILE -out FILE.pem"),
            ) from error
        parts += [certificate.public_bytes(_pem()) for certificate in found]
    yield ConfigFile("certificates/ca.pem", b"".join(dict.fromkeys(parts)))


def _pem() -> Any:  # noqa: ANN401 an enumeration of a module that is imported on use
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 as above

    return Encoding.PEM


def _plugin_keys(settings: DifySettings, base: Path) -> Iterator[ConfigFile]:
    for index, path in enumerate(settings.plugin_signatures.public_keys):
        content = read_file(base / path, "plugin_signatures: public_keys")
        public = b"BEGIN PUBLIC KEY" in content or b"BEGIN RSA PUBLIC KEY" in content
        if b"PRIVATE KEY" in content or not public:
            raise BundleError(
                tr(
                    "{path}: settings: plugin_signatures: public_keys: is not a public key in PEM format",
                    path=path,
                ),
                hint=tr("it must start with -----BEGIN PUBLIC KEY-----"),
            )
        # Dify has treated an extra line break at the end as part of the key (dify-docs #85).
        yield ConfigFile(f"plugin-keys/{index}.pem", content.strip() + b"\n")

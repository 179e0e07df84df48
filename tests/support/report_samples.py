"""A report with everything in it, for tests of pages."""

from __future__ import annotations

from bundler.api.application import Requirement
from bundler.api.output import SiteCheck
from bundler.report.composition import Running, read
from bundler.report.model import (
    Advisory,
    Blob,
    Checked,
    Contained,
    Image,
    Mount,
    Package,
    Port,
    Provenance,
    Report,
    Variable,
)

KEY = "ab" * 32
DOCUMENT = {
    "services": {
        "web": {
            "networks": ["front", "back"],
            "read_only": True,
            "cap_drop": ["ALL"],
            "volumes": ["uploads:/uploads"],
            "depends_on": ["db"],
        },
        "db": {"networks": {"back": None}, "privileged": True},
        "agent": {"network_mode": "host"},
    },
    "networks": {"front": None, "back": {"internal": True, "ipam": {"config": [{"subnet": "10.1.0.0/24"}]}}},
    "volumes": {"uploads": None},
    "secrets": {"token": {"environment": "TOKEN"}},
}


def blob(name: str, size: int) -> Blob:
    """Return a blob whose digest is made of its name."""
    return Blob(f"sha256:{name:0<64}", size)


def image(name: str, *layers: Blob, services: tuple[str, ...] = ()) -> Image:
    """Return an image of these layers."""
    documents = (blob(f"m{name}", 400), blob(f"c{name}", 600))
    size = sum(each.size for each in {*layers, *documents})
    return Image(name, documents[0].digest, None, size, size * 2, layers, documents, services)


def sample(name: str = "shop", *, version: str = "1.0", checked: Checked | None = None) -> Report:
    """Return a report; every text from outside contains `name`."""
    services = [Running(each, f"{name}/{each}:{version}", "running") for each in ("web", "db", "agent")]
    shown = read(DOCUMENT, services)
    base = blob("base", 5000)
    return Report(
        title=name,
        name=name,
        version=version,
        profile=name,
        platform="linux/amd64",
        project=name,
        file=f"{name}.tar",
        size=20_000,
        created=1_700_000_000,
        compression="keep",
        packed=18_000,
        kept=18_000,
        images=(
            image(f"{name}/db:{version}", base, blob("db", 7000), services=("db",)),
            image(f"{name}/web:{version}", base, blob(f"web{version}", 3000), services=("web", name)),
        ),
        documented=True,
        services=shown.services,
        networks=shown.networks,
        volumes=shown.volumes,
        secrets=(*shown.secrets, name),
        ports=(Port("web", "-", "80", "tcp"), Port("web", name, "${PORT}", name)),
        mounts=(Mount("web", f"/{name}", "host", f"/{name}", read_only=True),),
        variables=(
            Variable("PORT", "port", required=True, default=name, generator=None),
            Variable("PASSWORD", "secret", required=False, default=None, generator="random:32"),
        ),
        requirements=(Requirement("cpu", "2", "4", name), Requirement(name, "1", None, None)),
        checks=(
            SiteCheck("cpu", "Hardware", "CPU cores", "2", "4"),
            SiteCheck("kernel", name, name, "3.10", name),
        ),
        notes=(("release", name), (name, "7")),
        advisories=(
            Advisory(
                "attestations/advisories/vex.json", "OpenVEX", f"{name} 2026", {"fixed": 2, "not_affected": 1}
            ),
        ),
        contained=(Contained(name, "1", "CONTAINER", (Package(name, "1.2", name),)),),
        provenance=Provenance((("builder", name),), ((name, f"sha256:{name}"),)),
        checked=checked or Checked(9, (KEY,), ()),
    )

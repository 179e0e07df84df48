"""Package URLs, compared with the reference implementation, and fields from untrusted images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from bundler.software.package import LONGEST, Package

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,20}", fullmatch=True)
VERSIONS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.+~:^_ %-]{0,19}[a-z0-9]", fullmatch=True)


@given(
    st.sampled_from(["deb", "apk", "rpm", "pypi", "npm", "golang", "maven", "generic"]),
    NAMES,
    NAMES,
    VERSIONS,
)
def test_package_urls_are_those_of_the_reference_implementation(
    kind: str, namespace: str, name: str, version: str
) -> None:
    if kind == "npm":
        namespace, name = f"@{namespace.lower()}", name.lower()
    if kind in {"deb", "apk", "rpm"}:
        namespace, name = namespace.lower(), name.lower()
    if kind == "golang":
        namespace = f"example.com/{namespace}"
    if kind == "pypi":
        namespace = ""
    system = kind in {"deb", "rpm", "apk"}
    package = Package.of(
        kind,
        name,
        version,
        "path",
        namespace=namespace,
        architecture="amd64" if system else "",
        epoch="1" if kind == "rpm" else "",
    )
    package = Package(**{**vars(package), "distribution": "debian-12" if system else ""})
    qualifiers = {"arch": package.architecture, "distro": package.distribution, "epoch": package.epoch}
    reference = PackageURL(kind, namespace or None, name, version, qualifiers)
    read = PackageURL.from_string(package.purl)
    assert read == reference
    assert package.purl.lower() == read.to_string().lower()  # it lowers "%2B" of some kinds too


def test_fields_are_short_and_have_nothing_that_cannot_be_seen() -> None:
    package = Package.of("npm", "a\u202eb\x1b[2J\ud800", "1\n", "p" * 9000, license=" MIT ")
    assert (package.name, package.version, package.license) == ("ab[2J", "1", "MIT")
    assert len(package.path) == LONGEST


def test_licences_are_whole_or_not_stated() -> None:
    long = " OR ".join(["GPL-2.0-only WITH Classpath-exception-2.0"] * 200)
    stated = [
        Package.of("npm", "a", "1", "p", license=each).license
        for each in (long, long + " OR MIT" * 500, "x" * 10_001, "MIT\n\t AND\x1b ISC", "x " * 9_000_000)
    ]
    assert stated == [long, "", "", "MIT AND ISC", ""]


def test_names_are_those_of_their_package_managers() -> None:
    assert Package.of("npm", "node", "1", "", namespace="@types").full_name == "@types/node"
    assert Package.of("maven", "guava", "1", "", namespace="com.google").full_name == "com.google:guava"
    assert Package.of("deb", "libc6", "1", "", namespace="debian").full_name == "libc6"
    assert Package.of("golang", "net", "v1", "", namespace="golang.org/x").full_name == "golang.org/x/net"

"""What a site that has one bundle gets with another."""

from __future__ import annotations

from dataclasses import replace

from bundler.report.catalogue import load_words
from bundler.report.difference import Change, Difference, count, find_changes
from bundler.report.model import Contained, Network, Package, Port, Variable, Volume
from tests.support.report_samples import blob, image, sample

WORDS = load_words("en")
OLD = sample()


def test_a_bundle_does_not_differ_from_itself() -> None:
    found = Difference(OLD, OLD)
    assert find_changes(found, WORDS) == ()
    assert (found.new_bytes, found.known_bytes) == (0, sum(OLD.blobs.values()))


def test_only_blobs_that_the_site_lacks_are_new_each_once() -> None:
    fresh = blob("fresh", 900)
    images = (image("shop/a:1", fresh, blob("base", 5000)), image("shop/b:1", fresh))
    found = Difference(OLD, replace(OLD, images=images))
    documents = sum(each.size for one in images for each in one.documents)
    assert found.new_bytes == 900 + documents
    assert found.known_bytes == 5000
    assert [(each.bytes, each.layers) for each in found.images] == [(1900, 1), (1900, 1)]


def test_a_new_tag_is_a_change_of_the_image() -> None:
    changes = find_changes(Difference(OLD, sample(version="2.0")), WORDS)
    assert {(each.name, each.kind) for each in changes if each.what == "image"} == {
        ("shop/db", "changed"),
        ("shop/web", "changed"),
    }
    assert count(changes, "image") == {"added": 0, "removed": 0, "changed": 2}


def test_several_images_of_a_repository_are_told_apart_by_their_tags() -> None:
    both = (*OLD.images, image("shop/web:9", blob("nine", 9)))
    changes = find_changes(Difference(replace(OLD, images=both), OLD), WORDS)
    assert {(each.name, each.kind) for each in changes} == {
        ("shop/web:1.0", "removed"),
        ("shop/web:9", "removed"),
        ("shop/web", "added"),
    }


def test_everything_that_a_site_sees_is_compared() -> None:
    new = replace(
        OLD,
        networks=(Network("front", "bridge", internal=True, external=False, subnets=("10.0.0.0/8",)),),
        ports=(Port("web", "127.0.0.1", "80", "tcp"),),
        volumes=(Volume("uploads", "nfs", external=False, services=()),),
        mounts=(replace(OLD.mounts[0], read_only=False),),
        variables=(Variable("PORT", "port", required=False, default="8", generator="hex:8"),),
        secrets=("token",),
        requirements=(replace(OLD.requirements[0], minimum="8"), *OLD.requirements[1:]),
        checks=(replace(OLD.checks[0], required="8"),),
        services=OLD.services[1:],
    )
    changes = find_changes(Difference(OLD, new), WORDS)
    assert {(each.what, each.name, each.kind) for each in changes} == {
        ("service", "web", "removed"),
        ("network", "front", "changed"),
        ("network", "back", "removed"),
        ("port", "web 80/tcp", "changed"),
        ("port", "web ${PORT}/shop", "removed"),
        ("volume", "uploads", "changed"),
        ("mount", "web /shop", "changed"),
        ("variable", "PORT", "changed"),
        ("variable", "PASSWORD", "removed"),
        ("secret", "shop", "removed"),
        ("requirement", "cpu", "changed"),
        ("hardening", "web: Root file system", "removed"),
        ("hardening", "web: Capabilities", "removed"),
    }
    assert Change("port", "web 80/tcp", "changed", "all", "127.0.0.1") in changes
    variable = "port, Default: 8, Generated: hex:8"
    assert Change("variable", "PORT", "changed", "port, Required, Default: shop", variable) in changes


def test_a_protection_that_is_lost_is_a_change() -> None:
    web = OLD.services[0]
    weaker = replace(web, replicas="2", hardening=OLD.services[1].hardening)
    changes = find_changes(Difference(OLD, replace(OLD, services=(weaker, *OLD.services[1:]))), WORDS)
    assert Change("hardening", "web: Root file system", "changed", "read-only", "writable") in changes
    assert Change("hardening", "web: Privileged", "changed", "no", "yes") in changes
    assert [each.new for each in changes if each.what == "service"] == ["web:1.0, running, Containers: 2"]


def test_bundles_that_are_packed_differently_are_not_comparable() -> None:
    assert not Difference(OLD, replace(OLD, compression="compact")).comparable
    assert Difference(OLD, OLD).comparable


def software(name: str, *versions: str, remarks: tuple[str, ...] = ()) -> Contained:
    packages = tuple(Package(f"p{number}", version, "MIT", "deb") for number, version in enumerate(versions))
    return Contained(f"docker.io/library/{name}:1", "1", "CONTAINER", packages, remarks)


def test_packages_that_a_bundle_may_lack_are_not_removed() -> None:
    old = replace(OLD, contained=(software("db", "1", "1"), software("web", "1", "2")))
    gap = ("Not read: var/lib/dpkg/status",)
    new = replace(OLD, contained=(software("db", "2", remarks=gap), software("web", "1")))
    found = Difference(old, new)
    assert found.unlisted == ("db",)
    assert {(each.name, each.kind) for each in find_changes(found, WORDS)} == {
        ("db: p0 (deb)", "changed"),
        ("web: p1 (deb)", "removed"),
    }
    unread = replace(OLD, contained=(software("db"), software("web")))
    assert Difference(old, unread).unlisted == ("db", "web")
    assert find_changes(Difference(unread, old), WORDS) == ()
    assert Difference(unread, unread).unlisted == ()

"""Reports about real bundles: of two releases of a project, and of its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples.demo.sample_registry import SampleRegistry
from tests.support.pages import Page, read_page
from tests.support.reported import AGENT, Shop, add_images, build_shop, write_project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(tmp_path_factory.mktemp("shop"))


def page_of(shop: Shop, *words: str | Path) -> Page:
    return read_page(shop.builder.check(*words, "-o", "-", environment={"LC_ALL": "C.UTF-8"}).encode())


def rows(page: Page) -> str:
    return "\n".join(text for tag, text in page.texts if tag in {"th", "td", "code", "span", "text", "p"})


def test_a_report_shows_the_whole_bundle(shop: Shop) -> None:
    page = page_of(shop, "report", shop.new, "--key", shop.key)
    said = rows(page)
    for expected in (
        "Shop 2.0", "linux/amd64", "shop/agent:1.0", "front, back", "10.77.0.0/24", "18443", "127.0.0.1",
        "uploads", "records", "/etc/web.conf", "config/web.conf", "GREETING", "DB_PASSWORD", "random:32",
        "read-only", "memory 256m", "controls the engine", "/var/run/docker.sock", "network, pid", "docker",
        "SHA-256 of the profile", "bundler",
    ):  # fmt: skip
        assert expected in said + "\n".join(page.said("h1")), expected
    assert [text for text in page.said("b") if "Shared layers" in text]
    assert {"front", "back", "web", "db", "agent"} <= set(page.said("text"))
    assert page.said("desc")[0].startswith("web joins front, back.")


def test_the_same_bundle_gives_the_same_page(shop: Shop) -> None:
    words = ("report", shop.new, "--key", shop.key, "--lang", "zh", "-o", "-")
    assert shop.builder.check(*words) == shop.builder.check(*words)


def test_only_what_the_site_lacks_is_new(shop: Shop) -> None:
    found = json.loads(shop.builder.check("diff", shop.old, shop.new, "--key", shop.key, "--json"))
    by_name = {each["image"].partition("/")[2]: each["new_layers"] for each in found["images"]}
    assert by_name == {"shop/agent:1.0": 1, "shop/db:1.0": 0, "shop/web:2.0": 1}
    assert 41_000 < found["new_bytes"] < 45_000
    assert found["known_bytes"] > 130_000
    kinds = {(each["what"], each["name"].rpartition("/")[2], each["kind"]) for each in found["changes"]}
    assert {("image", "web", "changed"), ("image", "agent", "added"), ("service", "agent", "added")} <= kinds
    assert {key for key, *_ in kinds} == {"image", "service", "mount", "hardening"}


def test_a_plan_has_the_page_that_its_bundle_gets(shop: Shop, tmp_path: Path) -> None:
    """The services, networks and sizes are the same before and after the build."""
    with SampleRegistry() as registry:
        add_images(registry)
        profile = write_project(tmp_path, "2.0", AGENT, registry.host)
        plan = page_of(shop, "report", "-p", profile)
    bundle = page_of(shop, "report", shop.new, "--key", shop.key)
    assert plan.said("h1") == bundle.said("h1")
    for tag in ("text", "desc", "b"):
        assert plan.said(tag) == bundle.said(tag)
    assert "A plan is not signed: nothing has been built." in plan.said("p")

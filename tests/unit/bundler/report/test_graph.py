"""The picture of services and networks."""

from __future__ import annotations

from bundler.report.composition import Running, read
from bundler.report.graph import draw, shorten
from bundler.report.model import Network, Port, Service
from bundler.terminal.table import width
from tests.support.report_samples import DOCUMENT


def test_each_service_joins_its_networks() -> None:
    shown = read(DOCUMENT, [Running(name, name, "running") for name in ("web", "db", "agent")])
    ports = [Port("web", "-", "80", "tcp"), Port("web", "-", "80", "udp"), Port("web", "-", "443", "tcp")]
    graph = draw(shown.services, shown.networks, ports)
    front, back = graph.lines
    assert (front.label, front.dashed, back.label, back.dashed) == ("front", False, "back", True)
    web, db, agent = graph.rows
    assert (web.joined, web.ports, web.mode) == ((front.x, back.x), "80, 443", None)
    assert (db.joined, db.ports) == ((back.x,), "")
    assert (agent.joined, agent.mode) == ((), "host")
    assert web.y < db.y < agent.y < graph.height
    assert front.x < back.x < graph.width


def test_the_picture_is_as_narrow_as_its_texts() -> None:
    small = [Service("a", "a", "running", "1", ("n",), None, (), ())]
    net = [Network("n", "bridge", internal=False, external=False, subnets=())]
    long = [Service("a" * 30, "a", "running", "1", (), "service:" + "b" * 30, (), ()), *small]
    narrow, wide = draw(small, net, []), draw(long, net, [Port("a", "-", "1" * 30, "tcp")])
    assert narrow.left < wide.left
    assert narrow.box < wide.box
    assert narrow.width < 200
    for graph in (narrow, wide):
        assert graph.left + graph.box < graph.lines[0].x < graph.width
    assert wide.lines[0].x - wide.left - wide.box > 90, "room for what stands beside the box"


def test_nothing_to_draw() -> None:
    graph = draw([], [], [])
    assert (graph.rows, graph.lines) == ((), ())


def test_long_names_are_shortened_by_columns() -> None:
    assert shorten("short", 5) == "short"
    assert shorten("longer", 5) == "long…"
    assert shorten("数据库服务", 5) == "数据…"
    assert width(shorten("数" * 40, 22)) <= 22

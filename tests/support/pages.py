"""Reads HTML pages strictly: every element is closed in order, and nothing is loaded from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "img", "input", "link", "line", "path", "circle", "rect"})
"""Elements without an end; those of SVG end themselves."""


@dataclass
class Page(HTMLParser):
    """A page that was read.

    Attributes:
        elements: name and attributes of each element, in order.
        texts: text of each element that has any, with the element's name.
        problems: what is not well-formed.
    """

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"{tag}: an attribute twice: {names}")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> at line {self.getpos()[0]} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements with this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        """Return the texts of all elements with this name."""
        return [text for name, text in self.texts if name == tag]


def read_page(raw: bytes) -> Page:
    """Return a page, which must be well-formed."""
    page = Page()
    page.feed(raw.decode())
    page.close()
    page.problems += [f"{tag} is not closed" for tag in page._open]  # noqa: SLF001 of the parser
    assert page.problems == []
    return page

"""Commands as words, as Compose splits a text.

Source: compose-go v2.16.1, types/command.go; mattn/go-shellwords, shellwords.go. Compose puts in values first
and splits then. Here a value is part of one word, because nothing is known of it at the build.
"""

from __future__ import annotations

from typing import Any, Final

from bundler.language import tr, tr_later
from bundler_kubernetes.context import Context, Workload
from bundler_kubernetes.text import Choice, SiteText, Text, join, parse

_SPACE: Final = " \t\r\n"
_ENDS: Final = ";&|<>"
"""Characters at which Compose stops without a word, so that the rest of a command is lost."""
_ESCAPES: Final = {"n": "\n", "t": "\t"}
_SPECIAL: Final = frozenset(_SPACE + _ENDS + "\\\"'`()")


def words(context: Context, workload: Workload, key: str) -> list[Text]:
    """Return `command` or `entrypoint` as words: a list as it is, a text split as Compose splits it."""
    given: Any = workload.entry.get(key)
    if given in (None, "", []):
        return []
    if not isinstance(given, str):
        return [parse(str(word)) for word in given]
    whole = parse(given)
    splitter = _Splitter()
    for part in (whole,) if isinstance(whole, str) else whole.parts:
        if isinstance(part, str):
            for character in part:
                splitter.read(character)
        else:
            splitter.put(SiteText((part,)), whole=isinstance(part, Choice) and _divides(part))
    problem = splitter.end()
    if problem:
        context.findings.refuse(workload.subject, key, problem, tr("write the command as a list"))
        return []
    if splitter.loose:
        context.findings.note(
            workload.subject,
            key,
            tr_later(
                "{values}: one word each, also empty or with blanks, where Compose splits them; "
                "a list says the same for both"
            ),
            values=", ".join(dict.fromkeys(splitter.loose)),
        )
    return splitter.words


class _Splitter:
    """Splits a text, character by character.

    Attributes:
        words: those that are complete.
        loose: values of the site outside of quotes.
    """

    def __init__(self) -> None:
        self.words: list[Text] = []
        self.loose: list[str] = []
        self._word: list[Text] = []
        self._begun = False
        self._escaped = False
        self._quote = ""
        """What closes the quotes: `'`, `"`, a backquote, or `)` after `$(`; empty outside of any."""
        self._problem = ""

    def read(self, character: str) -> None:
        """Take the next character of the text."""
        if self._escaped:
            self._escaped = False
            kept = self._quote in {"`", ")"}
            self._add(f"\\{character}" if kept else _ESCAPES.get(character, character))
        elif character == "\\" and self._quote != "'":
            self._escaped = True
        elif self._quote:
            self._in_quotes(character)
        elif character in _SPACE:
            self._finish()
        elif character in "\"'":
            self._quote = character
        elif character in _ENDS:
            self._problem = self._problem or tr("Compose ignores what follows {text!r}", text=character)
        elif character == "(" and self._word and self._word[-1] == "$":
            self._quote = ")"
            self._add(character)
        elif character in "()":
            self._problem = self._problem or tr("Compose refuses {text!r} outside of quotes", text=character)
        else:
            self._quote = "`" if character == "`" else ""
            self._add(character)

    def put(self, value: SiteText, *, whole: bool) -> None:
        """Take a value of the site; `whole`: a text in it would be split, or has quotes."""
        if self._quote not in {"'", '"'}:
            self.loose.append(value.expression)
        if whole or self._escaped or self._quote in {"`", ")"}:
            self._problem = self._problem or tr(
                "{value} is not one word as it stands", value=value.expression
            )
        self._escaped = False
        self._add(value)

    def end(self) -> str:
        """Finish the last word; return what is wrong with the text, or an empty text."""
        if self._escaped or self._quote:
            self._problem = self._problem or tr("a quote is not closed, or it ends with a backslash")
        self._finish()
        return self._problem

    def _in_quotes(self, character: str) -> None:
        if character == self._quote:
            self._begun, self._quote = True, ""
            if character in "\"'":
                return
        elif self._quote == ")" and character == "(":
            self._problem = self._problem or tr("Compose refuses {text!r} outside of quotes", text=character)
        self._add(character)

    def _add(self, text: Text) -> None:
        self._begun = True
        self._word.append(text)

    def _finish(self) -> None:
        if self._begun:
            self.words.append(join(*self._word))
        self._word, self._begun = [], False


def _divides(choice: Choice) -> bool:
    return any(not _SPECIAL.isdisjoint(part) for part in choice.text.parts if isinstance(part, str)) or any(
        _divides(part) for part in choice.text.parts if isinstance(part, Choice)
    )

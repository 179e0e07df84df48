"""Find what the installer's shell code assigns, reads and calls, by function.

A parser for the part of POSIX sh that the installer uses: quotes, expansions, substitutions, here-documents,
`case`, comments. Code run by `eval` is not parsed. A form that the parser does not know is an error.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["assign", "local", "read", "call", "prefix"]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_VARIABLE = r"(?:`[a-z_]+`|[a-z]+_[a-z_]+|[A-Z_]{2,})"
_SETS = re.compile(rf"\b[sS]ets ({_VARIABLE}(?:(?:,|,? and) {_VARIABLE})*)")
_KEYWORDS = {"if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!"}


class ShellSyntaxError(Exception):
    """The code has a form that this parser does not know."""


@dataclass(frozen=True)
class Event:
    """A use of a name on a line.

    Attributes:
        kind: `assign`, `local` and `read` for variables, `call` for commands, `prefix` for
            `NAME=value command`.
        name: of the variable or command.
        line: line number in the text, from 1.
        words: the arguments of a call, unexpanded.
    """

    kind: Kind
    name: str
    line: int
    words: tuple[str, ...] = ()


@dataclass
class Function:
    """A function, or, with an empty name, the code outside functions.

    Attributes:
        comment: the comment lines directly above it, without `# `.
    """

    name: str
    line: int
    comment: str = ""
    events: list[Event] = field(default_factory=list)

    def names(self, *kinds: Kind) -> set[str]:
        """Return the names of the events of these kinds."""
        return {event.name for event in self.events if event.kind in kinds}


def parse(text: str) -> dict[str, Function]:
    """Map names to functions, with `""` for the code outside functions.

    Raises:
        ShellSyntaxError: the text has a form that this parser does not know.
    """
    parser = _Parser(text)
    parser.commands(None)
    return parser.functions


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.functions = {"": Function("", 1)}
        self.inside = self.functions[""]
        self.documents: list[tuple[str, bool, str]] = []
        self.line_ends = [match.start() for match in re.finditer("\n", text)]

    # positions

    @property
    def line(self) -> int:
        return bisect_left(self.line_ends, self.at) + 1

    def wrong(self, what: str) -> ShellSyntaxError:
        return ShellSyntaxError(f"line {self.line}: {what}: {self.text[self.at : self.at + 40]!r}")

    def has(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> None:
        if not self.has(text):
            raise self.wrong(f"{text!r} is missing")
        self.at += len(text)

    def event(self, kind: Kind, name: str, words: tuple[str, ...] = ()) -> None:
        self.inside.events.append(Event(kind, name, self.line, words))

    def blanks(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at] in " \t":
                self.at += 1
            elif self.has("\\\n"):
                self.at += 2
            elif self.has("#") and self.text[self.at - 1 : self.at] in ("", " ", "\t", "\n", ";", "(", "{"):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    # commands

    def commands(self, end: str | None) -> None:
        """Parse commands up to `end`, which is not consumed: `)`, `;;`, `}`, or None for the whole text."""
        while True:
            self.blanks()
            if self.at >= len(self.text) and end is not None:
                raise self.wrong(f"{end!r} is missing")
            if self.at >= len(self.text) or self.ends(end):
                return
            self.piece()

    def ends(self, end: str | None) -> bool:
        if self.has(";;") or self.has(")"):
            if end is None or not self.has(end):
                raise self.wrong("unexpected")
            return True
        if end == ";;":
            return self.ends_case()
        return end == "}" and re.compile(r"\}(?=[\s;)|&<>]|$)").match(self.text, self.at) is not None

    def piece(self) -> None:
        """Parse a command or a separator."""
        redirected = re.compile(r"\d*(?=[<>])").match(self.text, self.at)
        if self.has("\n"):
            self.at += 1
            self.here_documents()
        elif self.text[self.at] in ";&|":
            self.at += 1
        elif self.has("("):
            self.at += 1
            self.commands(")")
            self.take(")")
        elif redirected is not None:
            self.at = redirected.end()
            self.redirection()
        else:
            self.command()

    def ends_case(self) -> bool:
        return re.compile(r"esac\b").match(self.text, self.at) is not None

    def command(self) -> None:
        start = self.at
        name = _NAME.match(self.text, self.at)
        if name is not None and self.text.startswith("()", name.end()):
            self.function(name.group(), name.end() + 2)
            return
        word = re.compile(r"[a-z!{]+(?=[\s;)|&<>]|$)").match(self.text, self.at)
        if word is not None:
            if word.group() == "{":
                self.at = word.end()
                self.commands("}")
                self.take("}")
                return
            if word.group() in _KEYWORDS:
                self.at = word.end()
                return
            if word.group() == "for":
                self.at = word.end()
                self.blanks()
                variable = _NAME.match(self.text, self.at)
                if variable is None:
                    raise self.wrong("`for` without a name")
                self.at = variable.end()
                self.event("assign", variable.group())
                self.blanks()
                if re.compile(r"in\b").match(self.text, self.at) is not None:
                    self.at += 2
                    self.rest_of_words()
                return
            if word.group() == "case":
                self.at = word.end()
                self.case()
                return
        self.simple_command()
        if self.at == start:
            raise self.wrong("unexpected")

    def function(self, name: str, body: int) -> None:
        if self.inside.name:
            raise self.wrong("a function in a function")
        made = Function(name, self.line, self.comment_above())
        self.at = body
        self.blanks()
        if self.text[self.at : self.at + 1] not in ("{", "("):
            raise self.wrong("a function without a body")
        self.functions[name] = self.inside = made
        self.piece() if self.has("(") else self.command()
        self.inside = self.functions[""]

    def comment_above(self) -> str:
        lines = self.text[: self.at].rstrip("\n").split("\n")
        found: list[str] = []
        while lines and lines[-1].startswith("# ") and not lines[-1].startswith("# ----"):
            found.insert(0, lines.pop()[2:])
        return "\n".join(line for line in found if not line.startswith("shellcheck"))

    def case(self) -> None:
        self.blanks()
        self.word()
        self.whitespace()
        self.take("in")
        while True:
            self.whitespace()
            if self.ends_case():
                self.at += len("esac")
                return
            if self.has("("):
                self.at += 1
            while not self.has(")"):
                self.blanks()
                if self.has("|"):
                    self.at += 1
                elif not self.has(")"):
                    before = self.at
                    self.word()
                    if self.at == before:
                        raise self.wrong("a pattern is missing")
            self.at += 1
            self.commands(";;")
            if self.has(";;"):
                self.at += 2

    def whitespace(self) -> None:
        """Skip blanks, comments and line breaks."""
        self.blanks()
        while self.has("\n"):
            self.at += 1
            self.here_documents()
            self.blanks()

    def simple_command(self) -> None:
        assigned: list[str] = []
        words: list[str] = []
        while True:
            self.blanks()
            if self.at >= len(self.text) or self.text[self.at] in "\n;&|()":
                break
            redirected = re.compile(r"\d*[<>]").match(self.text, self.at)
            if redirected is not None:
                self.at = redirected.end() - 1
                self.redirection()
                continue
            assignment = _ASSIGNMENT.match(self.text, self.at) if not words else None
            start = self.at
            self.word()
            if self.at == start:
                raise self.wrong("unexpected")
            if assignment is not None:
                assigned.append(assignment.group(1))
            else:
                words.append(self.text[start : self.at])
        for name in assigned:
            self.event("prefix" if words else "assign", name)
        if words:
            self.called(words)

    def called(self, words: list[str]) -> None:
        while words[0] in ("command", "exec") and len(words) > 1 and not words[1].startswith("-"):
            words = words[1:]
        name, *arguments = words
        if _NAME.fullmatch(name) is None:
            return
        self.event("call", name, tuple(arguments))
        kind: Kind = "local" if name == "local" else "assign"
        if name in ("local", "export", "readonly", "unset"):
            for word in arguments:
                variable = _NAME.match(word)
                if variable is not None and (name != "export" or "=" in word):
                    self.event(kind, variable.group())
        elif name == "read":
            for word in arguments:
                if _NAME.fullmatch(word) is not None:
                    self.event("assign", word)

    def rest_of_words(self) -> None:
        while True:
            self.blanks()
            if self.at >= len(self.text) or self.text[self.at] in "\n;":
                return
            self.word()

    def redirection(self) -> None:
        document = re.compile(r"<<-?").match(self.text, self.at)
        if document is not None:
            self.at = document.end()
            self.blanks()
            mark = re.compile(r"'([A-Z_]+)'|([A-Z_]+)").match(self.text, self.at)
            if mark is None:
                raise self.wrong("the end of a here-document is missing")
            self.at = mark.end()
            self.documents.append(
                (mark.group(1) or mark.group(2), mark.group(1) is None, r"\t*" * document.group().count("-"))
            )
            return
        operator = re.compile(r"<>|>>|>\||[<>]&?|[<>]").match(self.text, self.at)
        if operator is None:
            raise self.wrong("not a redirection")
        self.at = operator.end()
        self.blanks()
        self.word()

    def here_documents(self) -> None:
        """Skip the bodies of the here-documents that began on the previous line."""
        for end, expands, tabs in self.documents:
            found = re.compile(rf"^{tabs}{end}$", re.MULTILINE).search(self.text, self.at)
            if found is None:
                raise self.wrong(f"a here-document without {end}")
            while expands and self.at < found.start():
                if self.has("\\"):
                    self.at += 2
                elif self.has("$"):
                    self.expansion()
                else:
                    self.at += 1
            self.at = found.end() + 1
        self.documents = []

    # words

    def word(self, ends: str = " \t\n;&|()<>") -> None:
        """Parse a word and the expansions in it."""
        while self.at < len(self.text) and self.text[self.at] not in ends:
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
            elif char == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise self.wrong("a quote without its end")
                self.at = end + 1
            elif char == '"':
                self.at += 1
                self.quoted()
            elif char == "$":
                self.expansion()
            elif char == "`":
                raise self.wrong("a backtick")
            else:
                self.at += 1

    def quoted(self) -> None:
        while not self.has('"'):
            if self.at >= len(self.text):
                raise self.wrong("a quote without its end")
            if self.has("\\"):
                self.at += 2
            elif self.has("$"):
                self.expansion()
            elif self.has("`"):
                raise self.wrong("a backtick")
            else:
                self.at += 1
        self.at += 1

    def expansion(self) -> None:
        self.take("$")
        if self.has("(("):
            self.at += 2
            self.arithmetic()
        elif self.has("("):
            self.at += 1
            self.commands(")")
            self.take(")")
        elif self.has("{"):
            self.at += 1
            self.parameter()
        else:
            name = _NAME.match(self.text, self.at)
            if name is not None:
                self.event("read", name.group())
                self.at = name.end()
            elif self.at < len(self.text) and self.text[self.at] in "0123456789@*#?$!-":
                self.at += 1

    def arithmetic(self) -> None:
        depth = 0
        while depth or not self.has("))"):
            name = _NAME.match(self.text, self.at)
            if self.at >= len(self.text):
                raise self.wrong("'))' is missing")
            if self.has("$"):
                self.expansion()
            elif name is not None:
                self.event("read", name.group())
                self.at = name.end()
                if re.compile(r"\s*([-+*/%&|^]|<<|>>)?=(?!=)").match(self.text, self.at):
                    self.event("assign", name.group())
            else:
                depth += {"(": 1, ")": -1}.get(self.text[self.at], 0)
                self.at += 1
        self.at += 2

    def parameter(self) -> None:
        """Parse `${...}`, from after its `${`."""
        length = re.compile(r"#(?=[A-Za-z_0-9@*])").match(self.text, self.at)
        if length is not None:
            self.at = length.end()
        name = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]").match(self.text, self.at)
        if name is None:
            raise self.wrong("a parameter without a name")
        self.at = name.end()
        if _NAME.fullmatch(name.group()) is not None:
            self.event("read", name.group())
            if self.has(":=") or self.has("="):
                self.event("assign", name.group())
        while not self.has("}"):
            before = self.at
            self.word("}")
            if self.at == before:
                raise self.wrong("a parameter without its end")
        self.at += 1


def outputs(function: Function) -> set[str]:
    """Return what a function sets for its caller, from its comment: "sets `mark`, entry_mode and ROOT"."""
    found: set[str] = set()
    for sentence in _SETS.findall(function.comment.replace("\n", " ")):
        found |= set(re.findall(r"\w+", sentence)) - {"and"}
    return found

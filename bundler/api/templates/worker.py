"""The process that renders a project's templates; see process.py.

It reads one request per line from standard input and writes one answer per line.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from bundler.api.templates.jinja import Lines, render_text
from bundler.errors import BundleError
from bundler.language import speaking, tr


def main(trace: int, memory: int, seconds: float, largest: int, language: str) -> None:
    """Answer requests until standard input ends.

    Args:
        trace: file descriptor that receives the template's position when its time is up.
        memory: bytes available to this process.
        seconds: processor time for each template.
        largest: bytes of the largest file that a template may produce.
        language: of the errors.
    """
    # whatever rendering needs is read first, so that it does not count against a template
    render_text("", "", {})
    with speaking(language):
        tr("Jinja2 syntax")
        _serve(trace, memory, seconds, largest)


def _serve(trace: int, memory: int, seconds: float, largest: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # this handler runs even in the middle of a long operation; the signal then ends the process
    faulthandler.register(signal.SIGPROF, file=trace, all_threads=False, chain=True)
    # at that moment the interpreter may be between two lines of the template, so earlier positions are
    # recorded too
    faulthandler.register(signal.SIGVTALRM, file=trace, all_threads=False)
    values: dict[str, object] = json.loads(sys.stdin.buffer.readline())
    answers = sys.stdout.buffer
    for request in iter(sys.stdin.buffer.readline, b""):
        _answer(answers, _fill(json.loads(request), values, trace, seconds, largest))


def _fill(request: Any, values: dict[str, object], trace: int, seconds: float, largest: int) -> object:  # noqa: ANN401
    def note(lines: Lines) -> None:
        os.lseek(trace, 0, os.SEEK_SET)
        os.truncate(trace, 0)
        os.write(trace, json.dumps(list(lines)).encode() + b"\n")
        _set_timers(seconds)

    _set_timers(seconds)
    try:
        text = render_text(request["source"], request["name"], values, note)
        size = len(text.encode())
    except BundleError as error:
        message = error.message.encode("utf-8", "backslashreplace").decode()
        return {"error": message, "hint": error.hint}
    except UnicodeEncodeError:
        surrogate = tr("{name}: an unpaired surrogate, which is not a character", name=request["name"])
        return {"error": surrogate, "hint": None}
    finally:
        _set_timers(0)
    if size > largest:
        large = tr("{name}: larger than {limit} MiB when rendered", name=request["name"], limit=largest >> 20)
        return {"error": large, "hint": None}
    return {"text": text}


def _set_timers(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds / 2, seconds / 20)


def _answer(answers: BinaryIO, answer: object) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5])

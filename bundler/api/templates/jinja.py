"""Jinja2, strict and sandboxed.

Nothing here limits the time and memory of a template, so only templates of this program are rendered
directly. Templates of a project are rendered through process.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bundler.errors import BundleError
from bundler.language import tr

SUFFIX = ".j2"
"""Suffix of template files; the rendered file has the name without it."""
FILE: Final = "<template>"
"""File name of the template in tracebacks."""

Lines = Sequence[tuple[int, int]]
"""Pairs of a template's line and the line of the generated Python code at which it begins."""


def render_text(
    source: str, name: str, values: Mapping[str, object], compiled: Callable[[Lines], None] = lambda _: None
) -> str:
    """Render a template.

    An undefined `{{ value }}` is an error, not an empty text. Nothing is escaped. Lines that contain only a
    statement produce no output. Filters besides those of Jinja2: `sha256` (hex digest of a text).

    Args:
        source: the template's text.
        name: file name for error messages.
        values: values available to the template.
        compiled: called with the template's lines before it runs.

    Raises:
        BundleError: the template is invalid or uses an undefined value; the message gives file and line.
    """
    # imported here because projects without templates do not need it
    from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # no constant folding while the template is compiled: errors raised then have no line
    environment.intercepted_binops = frozenset(environment.default_binop_table)
    environment.filters["sha256"] = lambda text: hashlib.sha256(str(text).encode()).hexdigest()
    try:
        code = environment.compile(source, name, FILE)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        compiled(template.debug_info)
        return template.render(dict[str, Any](values))
    except TemplateSyntaxError as error:
        raise BundleError(f"{name}:{error.lineno}: {error.message}", hint=tr("Jinja2 syntax")) from error
    except UndefinedError as error:
        known = ", ".join(sorted(values)) or tr("none")
        raise BundleError(
            f"{name}:{_line(error)}: {error.message}",
            hint=tr("set it in the profile under `settings: values:`; available: {known}", known=known),
        ) from error
    except RecursionError as error:
        raise BundleError(
            tr("{name}:{error}: nested too deeply, or infinite recursion", name=name, error=_line(error))
        ) from error
    except MemoryError as error:
        raise BundleError(
            tr("{name}:{error}: uses too much memory", name=name, error=_line(error))
        ) from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise BundleError(f"{name}:{_line(error)}: {error}") from error


def _line(error: BaseException) -> int:
    """Return the template's line that raised: Jinja2 maps the traceback to the template's own lines."""
    line, traceback = 1, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line

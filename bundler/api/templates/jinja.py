"""Jinja2, strict and sandboxed.

What is rendered here is trusted with the time and memory of this process: templates of this program. Those of
a project go through process.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bundler.errors import BundleError

SUFFIX = ".j2"
"""A file of this ending is a template; what it renders to has the name without it."""
FILE: Final = "<template>"
"""What tracebacks call the template's file."""

Lines = Sequence[tuple[int, int]]
"""Line of the template, and the line of Python that it begins at."""


def render_text(
    source: str, name: str, values: Mapping[str, object], compiled: Callable[[Lines], None] = lambda _: None
) -> str:
    """Fill in a template.

    `{{ value }}` of a value that is not there is an error, not an empty text. Nothing is escaped. Lines that
    hold nothing but a statement leave no trace. Filters beside Jinja2's own: `sha256` (hex digits of a text).

    Args:
        source: the template's text.
        name: what errors call it, a file name.
        values: what it may use.
        compiled: told of the template's lines before it runs.

    Raises:
        BundleError: the template is wrong, or uses a value that is not there; file and line are named.
    """
    # projects without a template do not pay for it
    from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # none of them is worked out while the template is compiled: an error has no line then
    environment.intercepted_binops = frozenset(environment.default_binop_table)
    environment.filters["sha256"] = lambda text: hashlib.sha256(str(text).encode()).hexdigest()
    try:
        code = environment.compile(source, name, FILE)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        compiled(template.debug_info)
        return template.render(dict[str, Any](values))
    except TemplateSyntaxError as error:
        raise BundleError(f"{name}:{error.lineno}: {error.message}", hint="Jinja2 syntax") from error
    except UndefinedError as error:
        known = ", ".join(sorted(values)) or "none"
        raise BundleError(
            f"{name}:{_line(error)}: {error.message}",
            hint=f"set it in the profile under `settings: values:`; available: {known}",
        ) from error
    except RecursionError as error:
        raise BundleError(f"{name}:{_line(error)}: nested too deeply, or infinite recursion") from error
    except MemoryError as error:
        raise BundleError(f"{name}:{_line(error)}: uses too much memory") from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise BundleError(f"{name}:{_line(error)}: {error}") from error


def _line(error: BaseException) -> int:
    """Line of the template that raised: Jinja2 rewrites the traceback to the template's own lines."""
    line, traceback = 1, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line

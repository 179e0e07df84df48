"""Jinja2, strict and sandboxed: templates come with projects, and run on the release engineer's machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bundler.errors import BundleError

SUFFIX = ".j2"
"""A file of this ending is a template; what it renders to has the name without it."""


def render_text(source: str, name: str, values: Mapping[str, object]) -> str:
    """Fill in a template.

    `{{ value }}` of a value that is not there is an error, not an empty text. Nothing is escaped. Lines that
    hold nothing but a statement leave no trace. Filters beside Jinja2's own: `sha256` (hex digits of a text).

    Args:
        source: the template's text.
        name: what errors call it, a file name.
        values: what it may use.

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
    environment.filters["sha256"] = lambda text: hashlib.sha256(str(text).encode()).hexdigest()
    try:
        code = environment.compile(source, name, name)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return template.render(dict[str, Any](values))
    except TemplateSyntaxError as error:
        raise BundleError(f"{name}:{error.lineno}: {error.message}", hint="Jinja2 syntax") from error
    except UndefinedError as error:
        known = ", ".join(sorted(values)) or "none"
        raise BundleError(
            f"{name}:{_line(error, name)}: {error.message}",
            hint=f"give it in the profile under `settings: values:`; known here: {known}",
        ) from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise BundleError(f"{name}:{_line(error, name)}: {error}") from error


def _line(error: BaseException, name: str) -> int:
    """Line of the template that raised: Jinja2 rewrites the traceback to the template's own lines."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == name:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line

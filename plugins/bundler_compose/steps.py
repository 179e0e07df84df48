"""Steps that turn a parsed document into one that the site can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bundler.errors import BundleError
from bundler_compose.document import Document
from bundler_compose.interpolation import Use, bind


def normalise(document: Document) -> Document:
    """Return the document with each `environment` as a mapping; a name without a value becomes `${NAME}`.

    Raises:
        BundleError: an environment is neither a mapping nor a list.
    """

    def change(name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
        environment = service.get("environment")
        if environment is None:
            return service
        if isinstance(environment, list):
            pairs = [str(item).partition("=") for item in environment]
            environment = {key: value if equals else None for key, equals, value in pairs}
        if not isinstance(environment, dict):
            where = document.at("services", name, "environment")
            raise BundleError(f"{where}: must be a mapping or a list")
        filled = {key: f"${{{key}}}" if value is None else value for key, value in environment.items()}
        return {**service, "environment": filled}

    return document.with_services(change)


def bind_images(document: Document, values: Mapping[str, str]) -> Document:
    """Return the document with all variables in image references replaced: the site cannot choose images.

    Raises:
        BundleError: a variable has no value, or its use has a syntax error.
    """

    def change(name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
        where = document.at("services", name, "image")

        def missing(use: Use) -> str:
            raise BundleError(
                f"{where}: ${{{use.name}}} has no value",
                hint=f"set it in the profile under `settings: values: {{{use.name}: ...}}`, or in .env",
            )

        try:
            return {**service, "image": bind(str(service["image"]), values, missing)}
        except BundleError as error:
            if error.message.startswith(where):
                raise
            raise BundleError(f"{where}: {error.message}", hint=error.hint) from error

    return document.with_services(change)

"""The application `compose`. Its parts are imported on first use, so they do not slow down other commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler.api.application import ApplicationContext, ApplicationModel, InitResult

if TYPE_CHECKING:
    from pydantic import BaseModel


class ComposeApplication:
    """Bundles any project that Docker Compose can run."""

    name = "compose"

    @property
    def settings_model(self) -> type[BaseModel]:
        """See `bundler.api.application.Application`."""
        from bundler_compose.settings import ComposeSettings  # noqa: PLC0415 pydantic's models

        return ComposeSettings

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """See `bundler.api.application.Application.model`."""
        from bundler_compose.model import compose_model  # noqa: PLC0415 YAML and the like

        return compose_model(context)

    def init(self, source: Path, target: Path) -> InitResult:
        """See `bundler.api.application.Initializer.init`."""
        from bundler_compose.initialise import init_profile  # noqa: PLC0415 likewise

        return init_profile(source, target)

"""The application `dify`. Its parts are imported on first use, so they do not slow down other builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.api.application import ApplicationContext, ApplicationModel

if TYPE_CHECKING:
    from pydantic import BaseModel


class DifyApplication:
    """Bundles Dify."""

    name = "dify"

    @property
    def settings_model(self) -> type[BaseModel]:
        """See `bundler.api.application.Application`."""
        from bundler_dify.settings.model import DifySettings  # noqa: PLC0415 50 ms

        return DifySettings

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """Apply all build-time settings: see `bundler.api.application.Application.model`.

        Raises:
            BundleError: settings contradict each other, a file is missing, or a plugin cannot be repackaged.
        """
        from bundler_dify.model import dify_model  # noqa: PLC0415 50 ms

        return dify_model(context)

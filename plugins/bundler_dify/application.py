"""The application `dify`, which costs a build of another application nothing: its parts are imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.api.application import ApplicationContext, ApplicationModel

if TYPE_CHECKING:
    from pydantic import BaseModel


class DifyApplication:
    """Knows Dify."""

    name = "dify"

    @property
    def settings_model(self) -> type[BaseModel]:
        """See `bundler.api.application.Application`."""
        from bundler_dify.settings.model import DifySettings  # noqa: PLC0415 50 ms

        return DifySettings

    def model(self, context: ApplicationContext) -> ApplicationModel:
        """Bind all build-time settings.

        Raises:
            BundleError: the settings do not fit together, a file is missing, or a plugin cannot be packed.
        """
        from bundler_dify.model import dify_model  # noqa: PLC0415 50 ms

        return dify_model(context)

"""The site variable: one model, from the profile and the application to the installer's `variables.tsv`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bundler.api.text import Text
from bundler.errors import HintedValueError
from bundler.language import tr

VariableKind = Literal["string", "port", "integer", "boolean", "host", "path", "choice", "secret"]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Generator = Annotated[str, Field(pattern=r"^(random|hex|base64url):[1-9][0-9]{0,3}$|^fqdn$|^uuid$")]


class SiteVariable(BaseModel):
    """A value that is known only at the site: `${NAME}` in the Compose file, `@@NAME@@` in site templates."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    name: EnvironmentName = Field(description="As the Compose file has it.")
    kind: VariableKind = Field(
        "string",
        description="`string`, `port`, `integer`, `boolean`, `host`, `path`, `choice` or `secret`.",
    )
    prompt: Text | None = Field(
        None, description="What the installer asks, by language: `{en: ..., zh: ...}`."
    )
    default: str | None = Field(
        None, description="Taken where the operator says nothing. A secret has none: it is generated."
    )
    default_is: str | None = Field(
        None, description="What the documents take without a value, for the operator to read."
    )
    unset: bool = Field(
        default=False,
        description="Whether the variable does not exist without a value, which is not an empty text.",
    )
    ask: bool = Field(
        default=False,
        description="Whether the installer asks on a terminal even if the operator can say nothing.",
    )
    required: bool = Field(default=False, description="Whether the operator must say it.")
    generator: Generator | None = Field(
        None,
        description="Makes a value at the site: `random:N`, `hex:N`, `base64url:N`, `uuid`, `fqdn`.",
    )
    pattern: str | None = Field(
        None,
        description="POSIX extended regular expression that the whole value must match. "
        "A `host` may have underscores if the expression names them.",
    )
    choices: tuple[str, ...] = Field((), description="For the kind `choice`.")

    @property
    def lacking(self) -> Literal["default", "empty", "unset"]:
        """What applies where the operator says nothing."""
        if self.default:
            return "default"
        return "unset" if self.unset and self.default is None else "empty"

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.kind == "secret" and self.default is not None:
            raise HintedValueError(
                tr("the default of a secret would be published with the bundle"),
                hint=tr("remove it and set a generator, for example random:32"),
                at=("default",),
            )
        if (self.kind == "choice") != bool(self.choices):
            raise HintedValueError(
                tr("`kind: choice` and `choices` must be set together"),
                hint=tr("set both, or neither"),
                at=("choices",),
            )
        if self.kind == "choice" and self.default is not None and self.default not in self.choices:
            raise HintedValueError(
                tr("is not one of the choices"),
                hint=tr("one of {choices}", choices=", ".join(self.choices)),
                at=("default",),
            )
        return self

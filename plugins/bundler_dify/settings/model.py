"""The settings of the application `dify`. The docstring under each field is its reference page's text."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
from bundler.profile.base import LocalPath, ProfileModel
from bundler.profile.values import Duration, Size
from bundler_dify.releases import DEFAULT
from bundler_dify.settings.accounts import Accounts, Retention, check_accounts
from bundler_dify.settings.data import (
    Database,
    Redis,
    Storage,
    VectorServer,
    VectorStore,
    check_authorities,
    check_database,
    check_redis,
    check_vector_server,
)
from bundler_dify.settings.network import Gateway, Network, Ssrf, Tls
from bundler_dify.settings.packages import CodePackages, Mirrors, check_packages
from bundler_dify.settings.plugins import Plugin, PluginSignatures
from bundler_dify.settings.release import ReleaseImages, check_release

Count = Annotated[int, Field(ge=1, le=64)]
Megabytes = Annotated[int, Field(ge=1, le=4096)]


class Limits(ProfileModel):
    """What one container of a service may take."""

    cpus: Annotated[float, Field(gt=0, le=256)] | None = None
    """Processor cores at most."""
    memory: Size | None = None
    """Memory at most; what takes more is ended and started again."""
    reserved_cpus: Annotated[float, Field(gt=0, le=256)] | None = None
    """Processor cores that it is promised."""
    reserved_memory: Size | None = None
    """Memory that it is promised."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for reserved, limit in (("reserved_cpus", "cpus"), ("reserved_memory", "memory")):
            low, high = getattr(self, reserved), getattr(self, limit)
            if low is not None and high is not None and low > high:
                raise HintedValueError(
                    "is above the limit", hint=f"lower it or raise `{limit}`", at=(reserved,)
                )
        return self


class Logging(ProfileModel):
    """What becomes of what containers print."""

    driver: Literal["json-file", "local", "journald"] = "json-file"
    """Docker's logging driver. `journald` leaves rotation to the site's journal."""
    max_size_mb: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Size of one file, in megabytes; the next one is begun when it is full."""
    max_files: Annotated[int, Field(ge=1, le=1000)] = 5
    """How many files are kept for each container."""
    audit_max_files: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many are kept for the gateway and both proxies, whose access logs are the audit log."""


class Smtp(ProfileModel):
    """An internal mail relay. Server, user and password are asked for at the site."""

    security: Literal["none", "starttls", "tls"] = "starttls"
    """`tls` from the first byte, `starttls` after a greeting in the clear, or `none`."""
    login: bool = True
    """Whether the relay wants a user and a password."""


class Timeouts(ProfileModel):
    """How long things may take."""

    request: Duration = 360
    """An API request's process (gunicorn): it cuts long workflows although the gateway waits on."""
    gateway: Duration = 3600
    """Silence on a connection through the gateway."""
    execution: Duration = 1200
    """A run of an application or workflow."""
    plugin: Duration = 600
    """A call of a plugin: a model's answer, in most cases."""
    plugin_install: Duration = 600
    """Silence while a plugin's Python environment is made."""
    text_generation: Duration = 60
    """How long the web page waits for a text."""
    http_request: Duration = 60
    """HTTP requests of workflows through the proxy. Upstream gives up after 5 seconds."""
    code: Duration = 15
    """A run of a code node in the sandbox."""


class Uploads(ProfileModel):
    """Largest files, in megabytes."""

    file_mb: Megabytes = 15
    """A document."""
    image_mb: Megabytes = 10
    """A picture."""
    audio_mb: Megabytes = 50
    """A recording."""
    video_mb: Megabytes = 100
    """A film."""
    plugin_mb: Megabytes = 500
    """A plugin package; those with all their wheels inside are large."""

    @property
    def largest_mb(self) -> int:
        """What the gateway must let through."""
        return max(self.file_mb, self.image_mb, self.audio_mb, self.video_mb, self.plugin_mb)


class DifySettings(ProfileModel):
    """Settings of the application `dify`."""

    version: str = DEFAULT
    """Dify's release. It decides every image: they are not chosen one by one, because those of one release
    belong together."""
    images: ReleaseImages = ReleaseImages()
    """Images that the table of releases does not know."""
    password_pepper: bool = False
    """Whether the site has a `PASSWORD_PEPPER` from before. It is asked for then, kept, and never made: with
    another one, passwords that exist are not recognised."""
    vector_store: VectorStore = "weaviate"
    """Where embeddings lie. `pgvector` is a PostgreSQL of its own, `pgvector-shared` the one that Dify's
    tables lie in. It cannot be changed later without indexing everything again."""
    vector_server: VectorServer = VectorServer()
    """Where the vector store runs."""
    database: Database = Database()
    """Where Dify's tables lie."""
    redis: Redis = Redis()
    """Redis."""
    storage: Storage = Storage()
    """Files."""
    api_replicas: Count = 1
    """Containers of the API behind the gateway."""
    worker_replicas: Count = 1
    """Containers that do the work in the background."""
    api_workers: Count = 1
    """Processes in each container of the API."""
    worker_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Tasks that each worker does at once."""
    limits: bool = True
    """Whether services without an entry in `resources` get the built-in limits."""
    resources: dict[str, Limits] = Field(default_factory=dict)
    """Service: what each of its containers may take. Goes before the built-in limits, key by key."""
    logging: Logging = Logging()
    """Rotation of logs."""
    tls: Tls = Tls()
    """How browsers reach the gateway."""
    gateway: Gateway = Gateway()
    """Rate limits and headers."""
    network: Network = Network()
    """Addresses of the containers."""
    ssrf: Ssrf = Ssrf()
    """What workflows and agents may reach."""
    uploads: Uploads = Uploads()
    """Largest files."""
    timeouts: Timeouts = Timeouts()
    """How long things may take."""
    smtp: Smtp | None = None
    """Mail relay; without one Dify sends no mail, and invitations are links to hand over."""
    accounts: Accounts = Accounts()
    """Who may have an account, and how long a session lasts."""
    retention: Retention = Retention()
    """What Dify itself deletes."""
    ca_certificates: tuple[LocalPath, ...] = ()
    """PEM files with the site's own certificate authorities, for intranet models, object storage and mail.
    They take the place of the public ones."""
    init_password: bool = True
    """Whether the page that makes the first administrator asks for a password that only the site's
    `secrets.env` has: nobody else on the network can be faster."""
    hardening: bool = False
    """Containers without new privileges, with only the capabilities that they need and read-only where the
    image allows, and no way to switch protection off elsewhere in these settings."""
    plugins: tuple[Plugin, ...] = ()
    """Dify plugin packages that travel along, installable without internet."""
    plugin_signatures: PluginSignatures = PluginSignatures()
    """Which plugins the site may install."""
    plugin_index: str | None = None
    """An intranet's Python package index for plugins that bring no wheels: a URL."""
    mirrors: Mirrors = Mirrors()
    """Package indexes of the intranet."""
    code_packages: CodePackages = CodePackages()
    """Python packages for Code nodes."""

    @property
    def carries_plugins(self) -> bool:
        """Whether a plugin package travels as it is, with its wheels beside it."""
        return any(plugin.mode == "carry" for plugin in self.plugins)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for check in (self._check_release, self._check_hardening, self._check_external, self._check_plugins):
            check()
        return self

    def _check_release(self) -> None:
        check_release(self.version, self.images)

    def _check_hardening(self) -> None:
        if not self.hardening:
            return
        problems = (
            (self.tls.mode == "off", "hardening requires TLS", "write `mode: own`", ("tls", "mode")),
            (not self.limits, "hardening requires limits everywhere", "remove it", ("limits",)),
            (
                not self.gateway.rate_limits.enabled,
                "hardening requires rate limits",
                "raise the limits instead",
                ("gateway", "rate_limits", "enabled"),
            ),
            (
                not self.init_password,
                "hardening requires the setup page of the first administrator to be closed",
                "remove it",
                ("init_password",),
            ),
            (
                self.ssrf.allow_public,
                "hardening requires all targets outside the site to be refused",
                "list the allowed targets under `domains` and `cidrs`",
                ("ssrf", "allow_public"),
            ),
        )
        for wrong, message, hint, at in problems:
            if wrong:
                raise HintedValueError(message, hint=hint, at=at)

    def _check_external(self) -> None:
        check_redis(self.redis)
        check_database(self.database, self.vector_store)
        check_vector_server(self.vector_server, self.vector_store)
        given = bool(self.ca_certificates)
        check_authorities(self.database, self.redis, self.vector_server, given=given)
        check_packages(self.code_packages, self.mirrors, self.ssrf)
        check_accounts(self.accounts, smtp=self.smtp is not None, tls=self.tls.mode != "off")

    def _check_plugins(self) -> None:
        policy = self.plugin_signatures.policy
        for index, plugin in enumerate(self.plugins):
            if plugin.mode == "repackage" and policy != "unverified":
                raise HintedValueError(
                    f"a repackaged plugin has no valid signature, but plugin_signatures is {policy!r}",
                    hint="`mode: carry` keeps a signed package unchanged; `plugin_signatures: "
                    "{policy: unverified}` lets the site install unsigned ones",
                    at=("plugins", index, "mode"),
                )
            if plugin.target in [other.target for other in self.plugins[:index]]:
                raise HintedValueError(
                    f"{plugin.target!r} is listed twice", hint="keep one of them", at=("plugins", index)
                )

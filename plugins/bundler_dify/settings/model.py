"""Settings of the application `dify`. The docstring of each field is its text on the reference page."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bundler.errors import HintedValueError
from bundler.language import tr
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
    """Resources of one container of a service."""

    cpus: Annotated[float, Field(gt=0, le=256)] | None = None
    """Maximum number of processor cores."""
    memory: Size | None = None
    """Maximum memory; a container that exceeds it is killed and restarted."""
    reserved_cpus: Annotated[float, Field(gt=0, le=256)] | None = None
    """Reserved processor cores."""
    reserved_memory: Size | None = None
    """Reserved memory."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for reserved, limit in (("reserved_cpus", "cpus"), ("reserved_memory", "memory")):
            low, high = getattr(self, reserved), getattr(self, limit)
            if low is not None and high is not None and low > high:
                raise HintedValueError(
                    tr("is above the limit"),
                    hint=tr("lower it or raise `{limit}`", limit=limit),
                    at=(reserved,),
                )
        return self


class Autoscaling(ProfileModel):
    """How the numbers of API pods and of worker pods follow the load, each on its own."""

    minimum: Count = 3
    """Least number of pods."""
    maximum: Annotated[int, Field(ge=1, le=1000)] = 20
    """Largest number of pods."""
    cpu: Annotated[int, Field(ge=1, le=100)] = 70
    """Use of the requested CPU to aim at, in percent. What is requested is `reserved_cpus`, else `cpus`."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.minimum > self.maximum:
            raise HintedValueError(
                tr("is above `maximum`"),
                hint=tr("lower it or raise `{limit}`", limit="maximum"),
                at=("minimum",),
            )
        return self


class Logging(ProfileModel):
    """Logs of containers."""

    driver: Literal["json-file", "local", "journald"] = "json-file"
    """Docker's logging driver. `journald` leaves rotation to the site's journal."""
    max_size_mb: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Maximum size of a log file, in megabytes; then a new file is started."""
    max_files: Annotated[int, Field(ge=1, le=1000)] = 5
    """Number of log files to keep for each container."""
    audit_max_files: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of log files to keep for the gateway and both proxies, whose access logs are the audit log."""


class Smtp(ProfileModel):
    """An internal mail relay. The installer asks for server, user and password."""

    security: Literal["none", "starttls", "tls"] = "starttls"
    """`tls` (implicit TLS), `starttls` (TLS after a greeting in plain text), or `none`."""
    login: bool = True
    """Whether the relay requires a user and a password."""


class Timeouts(ProfileModel):
    """Time limits."""

    request: Duration = 360
    """Processing of an API request (gunicorn). It ends long workflows even if the gateway still waits."""
    gateway: Duration = 3600
    """Inactivity on a connection through the gateway."""
    execution: Duration = 1200
    """Run of an application or workflow."""
    plugin: Duration = 600
    """Call of a plugin, usually until a model has answered."""
    plugin_install: Duration = 600
    """Inactivity while a plugin's Python environment is created."""
    text_generation: Duration = 60
    """Wait of the web frontend for generated text."""
    http_request: Duration = 60
    """HTTP request of a workflow through the proxy. Upstream's limit is 5 seconds."""
    code: Duration = 15
    """Run of a Code node in the sandbox."""


class Uploads(ProfileModel):
    """Maximum file sizes, in megabytes."""

    file_mb: Megabytes = 15
    """Document."""
    image_mb: Megabytes = 10
    """Image."""
    audio_mb: Megabytes = 50
    """Audio file."""
    video_mb: Megabytes = 100
    """Video."""
    plugin_mb: Megabytes = 500
    """Plugin package; packages that contain all their wheels are large."""

    @property
    def largest_mb(self) -> int:
        """The largest of all limits, which the gateway must allow."""
        return max(self.file_mb, self.image_mb, self.audio_mb, self.video_mb, self.plugin_mb)


class DifySettings(ProfileModel):
    """Settings of the application `dify`."""

    version: str = DEFAULT
    """Dify's release, which determines all images: they cannot be selected individually, because only images
    of the same release work together."""
    images: ReleaseImages = ReleaseImages()
    """Images that the table of releases does not list."""
    password_pepper: bool = False
    """Whether the site has an existing `PASSWORD_PEPPER`. The installer then asks for it and keeps it, and
    never generates one: with another pepper, existing passwords are not accepted."""
    vector_store: VectorStore = "weaviate"
    """Where embeddings are stored. `pgvector` is a separate PostgreSQL, `pgvector-shared` the one with Dify's
    tables. A later change requires everything to be indexed again."""
    vector_server: VectorServer = VectorServer()
    """Where the vector store runs."""
    database: Database = Database()
    """Database with Dify's tables."""
    redis: Redis = Redis()
    """Cache, queue and messages between services."""
    storage: Storage = Storage()
    """Where uploaded files and keys are stored."""
    api_replicas: Count = 1
    """Number of API containers behind the gateway."""
    worker_replicas: Count = 1
    """Number of containers for background tasks."""
    autoscaling: Autoscaling | None = None
    """Autoscaling on a cluster, in place of both numbers above. It has no effect on a server with Docker."""
    api_workers: Count = 1
    """Number of processes in each API container."""
    worker_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Number of tasks that each worker runs at the same time."""
    limits: bool = True
    """Whether the built-in limits apply where `resources` sets none."""
    resources: dict[str, Limits] = Field(default_factory=dict)
    """Resources of each container, by service. Each key takes precedence over the built-in limits."""
    logging: Logging = Logging()
    """Logging driver and log rotation."""
    tls: Tls = Tls()
    """How browsers connect to the gateway."""
    gateway: Gateway = Gateway()
    """Rate limits and headers."""
    network: Network = Network()
    """Addresses of the containers."""
    ssrf: Ssrf = Ssrf()
    """Addresses that workflows and agents may access."""
    uploads: Uploads = Uploads()
    """Maximum file sizes."""
    timeouts: Timeouts = Timeouts()
    """Time limits."""
    smtp: Smtp | None = None
    """Mail relay; without one, Dify sends no mail, and invitations are links that must be passed on."""
    accounts: Accounts = Accounts()
    """Who can have an account, and how long a session lasts."""
    retention: Retention = Retention()
    """Data that Dify deletes automatically."""
    ca_certificates: tuple[LocalPath, ...] = ()
    """PEM files with the site's own certificate authorities, for intranet models, object storage and mail.
    They replace the public ones."""
    init_password: bool = True
    """Whether the page that creates the first administrator requires a password, which is only in the site's
    `secrets.env`, so that no one else on the network can create the account first."""
    hardening: bool = False
    """Whether containers run without new privileges, with only the required capabilities, and read-only where
    the image allows it. Other settings cannot disable protections then."""
    plugins: tuple[Plugin, ...] = ()
    """Dify plugin packages to carry in the bundle, for installation without internet access."""
    plugin_signatures: PluginSignatures = PluginSignatures()
    """Plugins that the site can install."""
    plugin_index: str | None = None
    """URL of the intranet's Python package index, for plugins without their own wheels."""
    mirrors: Mirrors = Mirrors()
    """Package indexes of the intranet."""
    code_packages: CodePackages = CodePackages()
    """Python packages for Code nodes."""

    @property
    def carries_plugins(self) -> bool:
        """Whether a plugin package is carried unchanged, with its wheels beside it."""
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
            (self.tls.mode == "off", tr("hardening requires TLS"), tr("write `mode: own`"), ("tls", "mode")),
            (not self.limits, tr("hardening requires limits everywhere"), tr("remove it"), ("limits",)),
            (
                not self.gateway.rate_limits.enabled,
                tr("hardening requires rate limits"),
                tr("raise the limits instead"),
                ("gateway", "rate_limits", "enabled"),
            ),
            (
                not self.init_password,
                tr("hardening requires the setup page of the first administrator to be closed"),
                tr("remove it"),
                ("init_password",),
            ),
            (
                self.ssrf.allow_public,
                tr("hardening requires all targets outside the site to be refused"),
                tr("list the allowed targets under `domains` and `cidrs`"),
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
                    tr(
                        "a repackaged plugin has no valid signature, but plugin_signatures is {policy!r}",
                        policy=policy,
                    ),
                    hint=tr(
                        "`mode: carry` keeps a signed package unchanged; `plugin_signatures: {policy: "
                        "unverified}` lets the site install unsigned ones"
                    ),
                    at=("plugins", index, "mode"),
                )
            if plugin.target in [other.target for other in self.plugins[:index]]:
                raise HintedValueError(
                    tr("{target!r} is listed twice", target=plugin.target),
                    hint=tr("keep one of them"),
                    at=("plugins", index),
                )

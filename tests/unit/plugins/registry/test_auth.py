"""Authentication: anonymous, Basic, Bearer; Docker's configuration and its credential helpers."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.api.images import SourceOptions
from bundler.errors import BundleError, FetchError, ImageNotFoundError
from bundler.image.reference import Reference
from bundler.net.tls import Certificates
from bundler.net.transport import Transport
from bundler_registry.auth import Authenticator
from bundler_registry.challenges import Challenge, parse_challenges
from bundler_registry.credentials import DockerLogins, Login, LoginsInOrder, PodmanLogins
from bundler_registry.source import RegistrySource
from examples.demo.sample_registry import make_image
from tests.support.faults import FaultRegistry, Tokens, basic, body, cut, redirect, status
from tests.support.pulls import AMD64, Fixed, Puller

IMAGE = make_image([{"base": b"base" * 5000}, {"top": b"top" * 5000}])


PUSHED = {"team/app:1": IMAGE}
"""The images in the registry."""


def login(puller: Puller, registry: FaultRegistry, name: str = "anna", password: str = "pä:ss") -> None:
    puller.logins = {registry.host: Login(name, password)}


def authorizations(registry: FaultRegistry) -> list[str | None]:
    return [request.headers["Authorization"] for request in registry.requests]


def test_basic(registry: FaultRegistry, puller: Puller) -> None:
    registry.basic = ("anna", "pä:ss")
    login(puller, registry)
    puller.pull(f"{registry.host}/team/app:1")
    sent = authorizations(registry)
    assert sent[0] is None, "nobody is told a password who did not ask"
    assert set(sent[1:]) == {basic("anna", "pä:ss")}
    assert len(sent) == 1 + 1 + len(IMAGE.blobs), "one refusal teaches all later requests"


def test_a_wrong_password_is_reported_and_not_retried(registry: FaultRegistry, puller: Puller) -> None:
    registry.basic = ("anna", "right")
    login(puller, registry, password="wrong")
    with pytest.raises(FetchError, match="rejects the login of 'anna'") as caught:
        puller.pull(f"{registry.host}/team/app:1")
    assert "docker login" in (caught.value.hint or "")
    assert "wrong" not in str(caught.value) + (caught.value.hint or "")
    assert len(registry.requests) <= 3


def test_without_a_login_the_hint_says_how_to_log_in(registry: FaultRegistry, puller: Puller) -> None:
    registry.basic = ("anna", "x")
    with pytest.raises(ImageNotFoundError, match="requires a login") as caught:
        puller.pull(f"{registry.host}/team/app:1")
    assert caught.value.hint == f"`docker login {registry.host}`"


def test_an_anonymous_token(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens()
    puller.pull(f"{registry.host}/team/app:1")
    assert registry.tokens.issued == [{"service": "faults", "scope": "repository:team/app:pull"}]
    assert authorizations(registry)[1] is None, "the token server is asked anonymously"


def test_a_token_for_each_repository(registry: FaultRegistry, puller: Puller) -> None:
    registry.add_image("other", "1", make_image({"a": b"a"}))
    registry.tokens = Tokens()
    puller.pull(f"{registry.host}/team/app:1", f"{registry.host}/other:1")
    scopes = sorted(query["scope"] for query in registry.tokens.issued)
    assert scopes == ["repository:other:pull", "repository:team/app:pull"]


def test_a_token_for_a_login(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens(logins={"anna": "pä:ss"})
    login(puller, registry)
    puller.pull(f"{registry.host}/team/app:1")
    with_password = [
        r.path for r in registry.requests if r.headers["Authorization"] == basic("anna", "pä:ss")
    ]
    assert with_password == ["/token"], "the password goes to the token server and nowhere else"


def test_a_token_server_that_refuses_the_login(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens(logins={"anna": "right"})
    login(puller, registry, password="wrong")
    with pytest.raises(FetchError, match="rejects the login of 'anna'"):
        puller.pull(f"{registry.host}/team/app:1")


def test_an_identity_token_is_exchanged(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens(logins={"x": "y"}, identity=frozenset({"refresh-me"}))
    puller.logins = {registry.host: Login(identity_token="refresh-me")}
    puller.pull(f"{registry.host}/team/app:1")
    assert registry.tokens.issued[0]["grant_type"] == "refresh_token"
    assert authorizations(registry)[2] == "Bearer token-1"


def test_a_token_that_expires_is_renewed(registry: FaultRegistry, puller: Puller) -> None:
    base = IMAGE.layers[0]
    registry.tokens = Tokens()
    registry.fail(base, registry.tokens.revoke(status(503)))
    puller.pull(f"{registry.host}/team/app:1")
    assert len(registry.tokens.issued) == 2, "one new token for all threads"
    assert puller.store.read(base) == IMAGE.blobs[base]


def test_a_token_that_expires_in_the_middle_of_a_blob(registry: FaultRegistry, puller: Puller) -> None:
    base = IMAGE.layers[0]
    registry.tokens = Tokens()
    registry.fail(base, registry.tokens.revoke(cut(30)))
    puller.pull(f"{registry.host}/team/app:1")
    assert len(registry.tokens.issued) == 2
    assert puller.store.read(base) == IMAGE.blobs[base]


def test_a_short_lived_token_is_renewed_before_it_is_refused(registry: FaultRegistry, tmp_path: Path) -> None:
    """`expires_in` is respected, so that the registry need not refuse first."""
    now = [0.0]
    registry.tokens = Tokens(lifetime=100)
    transport = Transport(Certificates(None), environment={})
    auth = Authenticator(registry.host, transport, Fixed(), lambda: now[0])
    challenge = Challenge("bearer", {"realm": f"{registry.url}/token", "service": "faults"})
    first = auth.renew([challenge], "team/app", rejected=None, plain=True)
    now[0] = 90
    assert auth.header("team/app") == first
    now[0] = 96
    assert auth.header("team/app") != first
    transport.close()


def test_a_registry_that_never_takes_its_own_token(registry: FaultRegistry, puller: Puller) -> None:
    registry.tokens = Tokens(good=False)
    with pytest.raises(BundleError, match="401"):
        puller.pull(f"{registry.host}/team/app:1")
    assert len(registry.requests) < 10, "no endless loop"


def test_a_token_server_that_is_busy_is_asked_again(registry: FaultRegistry, puller: Puller) -> None:
    with FaultRegistry() as auth:
        auth.tokens = Tokens()
        busy = [status(429, {"Retry-After": "3"}), status(503)]

        def respond(request: object, answer: object) -> object:
            return busy.pop(0)(request, answer) if busy else answer  # type: ignore[arg-type]

        original = auth.respond
        auth.respond = lambda request: respond(request, original(request))  # type: ignore[assignment, method-assign, return-value]
        registry.tokens = Tokens(realm=f"{auth.url}/token")
        registry.tokens._valid = auth.tokens._valid  # noqa: SLF001 what one issues the other takes
        puller.pull(f"{registry.host}/team/app:1")
    assert puller.pauses[0] == 3
    assert len(puller.pauses) == 2


@pytest.mark.parametrize(
    ("realm", "says"),
    [
        ("http://auth.bank.example/token", "asks for credentials over plain HTTP"),
        ("file:///etc/passwd", "invalid token server address"),
        ("https://user:pw@auth.example/token", "invalid token server address"),
        ("http://127.0.0.1:8080/token", "asks for credentials over plain HTTP"),
        ("http://localhost/token", "asks for credentials over plain HTTP"),
        ("https://auth.example/t\r\n HTTP/1.1\r\nX: y", "invalid token server address"),
        ("https://auth.example/\x1b[2J", "invalid token server address"),
        ("https://[::1/token", "invalid token server address"),
    ],
)
def test_token_servers_that_are_not_asked(
    registry: FaultRegistry, puller: Puller, realm: str, says: str
) -> None:
    """If the registry uses TLS, its token server must use it too."""
    auth = Authenticator("bank.example", Transport(Certificates(None), environment={}), Fixed())
    challenge = Challenge("bearer", {"realm": realm})
    with pytest.raises(FetchError, match=says) as caught:
        auth.renew([challenge], "app", rejected=None, plain=False)
    assert "pw@" not in caught.value.message


@pytest.mark.parametrize("realm", ["http://auth.example/token", "http://169.254.169.254/token"])
def test_a_registry_without_tls_cannot_send_the_password_to_another_host_without_tls(
    registry: FaultRegistry, puller: Puller, realm: str
) -> None:
    registry.tokens = Tokens(realm=realm)
    login(puller, registry)
    with pytest.raises(FetchError, match="asks for credentials over plain HTTP") as caught:
        puller.pull(f"{registry.host}/team/app:1")
    host = realm.split("/")[2]
    assert f"--insecure-registry {host}" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("asked", "insecure", "host", "taken"),
    [
        ("127.0.0.1:5000", frozenset(), "127.0.0.1:5001", True),
        ("bank.example", frozenset(), "127.0.0.1:5001", False),
        ("bank.example", frozenset({"127.0.0.1:5001"}), "127.0.0.1:5001", True),
        ("bank.example:5000", frozenset({"bank.example:5000"}), "bank.example:5000", True),
        ("bank.example:5000", frozenset({"bank.example:5000"}), "auth.example", False),
        ("bank.example:5000", frozenset({"auth.example"}), "auth.example", True),
    ],
)
def test_credentials_without_tls_go_to_loopback_and_allowed_hosts_only(
    asked: str, insecure: frozenset[str], host: str, *, taken: bool
) -> None:
    transport = Transport(Certificates(None), insecure=insecure, environment={})
    assert transport.plain_answers(asked, host) == taken


@pytest.mark.parametrize("lifetime", [10**400, -(10**400), 1e300, "60", None, True, [1]])
def test_any_lifetime_of_a_token_will_do(registry: FaultRegistry, puller: Puller, lifetime: object) -> None:
    registry.tokens = Tokens()
    token = registry.tokens.issue({})
    registry.fail("token", body(json.dumps({"token": token, "expires_in": lifetime}).encode()), 100)
    puller.pull(f"{registry.host}/team/app:1")


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_a_redirect_never_takes_the_authorization_along(
    registry: FaultRegistry, puller: Puller, kind: str
) -> None:
    if kind == "basic":
        registry.basic = ("anna", "pä:ss")
    else:
        registry.tokens = Tokens(logins={"anna": "pä:ss"})
    login(puller, registry)
    with FaultRegistry() as storage:
        storage.add_image("team/app", None, IMAGE)
        for digest in IMAGE.blobs:
            registry.fail(digest, redirect(f"{storage.url}{{path}}"))
        puller.pull(f"{registry.host}/team/app:1")
        assert storage.counts() == dict.fromkeys(IMAGE.blobs, 1)
        assert authorizations(storage) == [None] * len(IMAGE.blobs)


def test_a_redirect_within_the_registry_keeps_it(registry: FaultRegistry, puller: Puller) -> None:
    registry.basic = ("anna", "pä:ss")
    registry.add_image("moved", "1", IMAGE)
    login(puller, registry)
    registry.fail(IMAGE.layers[0], redirect("/v2/moved/blobs/" + IMAGE.layers[0]))
    puller.pull(f"{registry.host}/team/app:1")
    assert authorizations(registry)[-1] == basic("anna", "pä:ss")


def test_storage_that_asks_for_a_login_does_not_get_ours(registry: FaultRegistry, puller: Puller) -> None:
    login(puller, registry)
    with FaultRegistry() as storage:
        storage.basic = ("anna", "pä:ss")
        storage.add_image("team/app", None, IMAGE)
        registry.fail(IMAGE.layers[0], redirect(f"{storage.url}{{path}}"), 1000)
        with pytest.raises(FetchError, match=r"\(at http://127.0.0.1:\d+\) answers 401.*given up"):
            puller.pull(f"{registry.host}/team/app:1")
        assert set(authorizations(storage)) == {None}


# ---------------------------------------------------------------- Docker's configuration


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


def encoded(name: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put `docker-credential-vault` on PATH."""
    program = folder / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_logins_of_the_docker_configuration(docker_config: Path) -> None:
    docker_config.write_text(
        json.dumps(
            {
                "auths": {
                    "https://index.docker.io/v1/": encoded("hub", "one"),
                    "registry.bank.example:5000": encoded("bank", "two:three"),
                    "acr.example": {
                        **encoded("00000000-0000-0000-0000-000000000000", ""),
                        "identitytoken": "t",
                    },
                }
            }
        )
    )
    logins = DockerLogins()
    assert logins.find("docker.io") == Login("hub", "one")
    assert logins.find("registry.bank.example:5000") == Login("bank", "two:three")
    assert logins.find("registry.bank.example") is None
    found = logins.find("acr.example")
    assert found is not None
    assert found.identity_token == "t"
    assert "one" not in repr(logins.find("docker.io")), "a login is never shown"


def test_without_a_configuration_there_is_no_login(docker_config: Path) -> None:
    assert DockerLogins().find("docker.io") is None


def test_a_credential_helper_is_asked_once(
    docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_config.write_text(json.dumps({"credsStore": "vault"}))
    helper(
        tmp_path,
        monkeypatch,
        f'read -r host; echo "$1 $host" >>{tmp_path}/asked\n'
        'echo "{\\"ServerURL\\":\\"$host\\",\\"Username\\":\\"anna\\",\\"Secret\\":\\"s3cret\\"}"\n',
    )
    logins = DockerLogins()
    assert [logins.find("registry.bank.example") for _ in range(3)] == [Login("anna", "s3cret")] * 3
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["get registry.bank.example"]


def test_a_helper_for_one_registry_and_identity_tokens(
    docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_config.write_text(
        json.dumps({"credHelpers": {"cloud.example": "vault"}, "auths": {"bank.example": encoded("a", "b")}})
    )
    helper(tmp_path, monkeypatch, 'echo \'{"ServerURL":"x","Username":"<token>","Secret":"id-token"}\'\n')
    logins = DockerLogins()
    assert logins.find("cloud.example") == Login(identity_token="id-token")
    assert logins.find("bank.example") == Login("a", "b")


def test_a_helper_without_a_login_goes_anonymously(
    docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_config.write_text(json.dumps({"credsStore": "vault"}))
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1\n")
    assert DockerLogins().find("bank.example") is None


def test_a_helper_that_is_not_installed_is_an_error(
    docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    docker_config.write_text(json.dumps({"credHelpers": {"bank.example": "not-there"}}))
    with pytest.raises(FetchError, match=r"bank.example.*docker-credential-not-there") as caught:
        DockerLogins().find("bank.example")
    assert "credHelpers" in (caught.value.hint or "")
    assert DockerLogins().find("docker.io") is None, "other registries need it not"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"auths": {"bank.example": {"auth": "c2VjcmV0"}}}', '{"auths": 3}']
)
def test_a_damaged_configuration_shows_no_secret(docker_config: Path, text: str) -> None:
    docker_config.write_text(text)
    with pytest.raises(
        FetchError, match=r"bank.example in the Docker configuration cannot be read"
    ) as caught:
        DockerLogins().find("bank.example")
    assert "c2VjcmV0" not in caught.value.message
    assert "secret" not in caught.value.message


# ---------------------------------------------------------------- WWW-Authenticate


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"}
                )
            ],
        ),
        (
            'Negotiate, Basic realm="a \\" b", BEARER Realm=plain',
            [
                Challenge("negotiate"),
                Challenge("basic", {"realm": 'a " b'}),
                Challenge("bearer", {"realm": "plain"}),
            ],
        ),
        (
            "NTLM TlRMTVNTUAAB==, Basic realm=x",
            [Challenge("ntlm", {}, "TlRMTVNTUAAB=="), Challenge("basic", {"realm": "x"})],
        ),
        ('Basic realm="not closed', [Challenge("basic")]),
    ],
)
def test_challenges(header: str, expected: list[Challenge]) -> None:
    assert parse_challenges(header) == expected


@given(st.text(max_size=80))
def test_any_header_is_read_without_an_error(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["realm", "service", "scope"]),
            st.text(st.characters(exclude_characters='\\"'), max_size=20),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda pair: pair[0],
    )
)
def test_parameters_read_as_they_were_written(parameters: list[tuple[str, str]]) -> None:
    header = "Bearer " + ",".join(f'{name}="{value}"' for name, value in parameters)
    assert parse_challenges(header) == [Challenge("bearer", dict(parameters))]


# ---------------------------------------------------------------- Podman's configuration


def write_auth(path: Path, logins: dict[str, tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {host: encoded(*login) for host, login in logins.items()}}))
    return path


def test_logins_of_podman_and_skopeo(tmp_path: Path) -> None:
    runtime, config = tmp_path / "run", tmp_path / "config"
    places = {"XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(config)}
    assert PodmanLogins(places).find("bank.example") is None
    write_auth(config / "containers/auth.json", {"bank.example": ("config", "1")})
    assert PodmanLogins(places).find("bank.example") == Login("config", "1")
    write_auth(runtime / "containers/auth.json", {"bank.example": ("run", "2"), "docker.io": ("hub", "3")})
    assert PodmanLogins(places).find("bank.example") == Login("run", "2")
    assert PodmanLogins(places).find("docker.io") == Login("hub", "3")
    named = {
        **places,
        "REGISTRY_AUTH_FILE": str(write_auth(tmp_path / "n", {"bank.example": ("named", "4")})),
    }
    assert PodmanLogins(named).find("bank.example") == Login("named", "4")
    assert PodmanLogins(named).find("docker.io") is None


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"REGISTRY_AUTH_FILE=.*/nowhere: no such file"):
        PodmanLogins({"REGISTRY_AUTH_FILE": str(tmp_path / "nowhere")}).find("bank.example")


DAMAGED = ["{", "[" * 100_000, '{"auths": 5}', '{"auths": {"bank.example": {"auth": "%"}}}']


@pytest.mark.parametrize("text", DAMAGED, ids=["cut", "deep", "number", "base64"])
def test_a_damaged_file_of_podman_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "containers/auth.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(FetchError, match=r"Podman's auth\.json cannot be read"):
        PodmanLogins({"XDG_RUNTIME_DIR": str(tmp_path)}).find("bank.example")


def test_docker_is_asked_before_podman(docker_config: Path, tmp_path: Path) -> None:
    write_auth(
        tmp_path / "containers/auth.json", {"bank.example": ("podman", "p"), "other.example": ("o", "o")}
    )
    podman = PodmanLogins({"XDG_RUNTIME_DIR": str(tmp_path)})
    write_auth(docker_config, {"bank.example": ("docker", "d")})
    logins = LoginsInOrder((DockerLogins(), podman))
    assert logins.find("bank.example") == Login("docker", "d")
    assert logins.find("other.example") == Login("o", "o")
    assert logins.find("third.example") is None


def test_a_login_of_podman_opens_a_registry(
    registry: FaultRegistry, docker_config: Path, tmp_path: Path
) -> None:
    registry.basic = ("anna", "pä:ss")
    write_auth(tmp_path / "run/containers/auth.json", {registry.host: ("anna", "pä:ss")})
    source = RegistrySource(SourceOptions(), environment={"XDG_RUNTIME_DIR": str(tmp_path / "run")})
    try:
        source.resolve(Reference.parse(f"{registry.host}/team/app:1"), AMD64)
    finally:
        source.close()

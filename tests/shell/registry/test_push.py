"""The small functions of `push`: challenges, addresses, names, ranges, pauses, and what an answer means."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path

import pytest

from bundler_kubernetes.chart.images import pushed_name
from tests.support.installer import call, shells

shell = pytest.mark.parametrize("shell", shells())
START = """
DESK=$SCRATCH/push/desk BLOBS=/nowhere REGISTRY_HOST=registry.example ORIGIN=https://registry.example
mkdir -p "$DESK"
http='' curl_code='' session='' part='' offset=''
"""
CHALLENGES = {
    'Bearer realm="https://h/token",service="a b",scope="repository:x/y:pull,push"': (
        "bearer https://h/token a b"
    ),
    'bearer Realm = "https://h/to\\"ken" , Service=reg': "bearer refused",
    'Basic realm="a, b", Bearer realm="https://h/t",service="s"': "bearer https://h/t s",
    'Negotiate YII/abc==, Basic realm="site"': "basic",
    "Negotiate": "refused",
    "Digest realm=x, nonce=y": "refused",
    'Bearer realm="https://h': "refused",
    'Bearer service="s"': "refused",
    "": "refused",
    'Bearer realm="http://h/token",service="s"': "Registry registry.example names a token server without TLS",
    'Bearer realm="/service/token",service="s"': "bearer https://registry.example/service/token s",
    'Bearer realm="ftp://h/token",service="s"': "is no URL",
}
"""Challenges, and what is taken from them."""
ADDRESSES = {
    "/v2/a?_state=x%3D&y": "https://r:5000|https://R:5000/v2/a?_state=x%3D&y",
    "https://OTHER.example:443/q": "https://other.example|https://OTHER.example:443/q",
    "http://r:80": "http://r|http://r:80",
    "//o/x": "https://o|https://o/x",
    "?s=2": "https://r:5000|https://R:5000/v2/up/1?s=2",
    "next?s=3#part": "https://r:5000|https://R:5000/v2/up/next?s=3",
    "http://user:word@h/x": "",
    "http://h\\@evil/x": "",
    "ftp://h/x": "",
    "https://h/a b": "",
    'https://h/"': "",
    "": "",
}
"""Locations below https://R:5000/v2/up/1?s=1: origin and URL."""
NAMES = (
    ("docker.io/library/nginx:1.22", "shop/library/nginx 1.22"),
    ("nginx", "shop/library/nginx latest"),
    ("index.docker.io/me/app:1", "shop/me/app 1"),
    ("quay.io/me/app:1", "shop/quay.io/me/app 1"),
    ("Registry.example:5000/me/app:1", "shop/registry.example-5000/me/app 1"),
    ("[2001:db8::1]:5000/app:1", "shop/2001-db8-1-5000/app 1"),
    ("localhost/app:1.0_x", "shop/localhost/app 1.0_x"),
)
REFUSED = {
    "quay.io/me/App:1": "cannot have this name",
    f"quay.io/{'a' * 250}:1": "longer than 255",
    f"quay.io/app:{'a' * 129}": "cannot have this name",
}
ANSWERS = {
    # http, curl, login, body: what is said
    "401 0 pusher": "does not accept the name pusher",
    "401 0 -": "wants a login (HTTP 401: no)",
    "403 0 pusher": "pusher may not push to shop/web",
    "404 0 pusher": "does not have the place for shop/web",
    "413 0 pusher": "client_max_body_size",
    "429 0 pusher": "refuses further requests",
    "507 0 pusher": "has no room",
    "301 0 pusher": "Name that one: --registry other:5000/PREFIX",
    "500 0 pusher": "did not take shop/web (HTTP 500: no)",
    "000 6 pusher": "cannot be resolved",
    "000 7 pusher": "does not answer (curl 7: broken)",
    "000 35 pusher": "--registry-plain-http",
    "000 60 pusher": "--registry-ca FILE",
    "000 77 pusher": "certificates of the authority cannot be read",
    "000 56 pusher": "broke again and again (curl 56: broken)",
}
FULL = "adding 20 MiB of storage resource, which when updated to current usage will exceed the configured"
TLS_PORT = "Client sent an HTTP request to an HTTPS server."
WORDS = {
    # http and curl, --registry-plain-http, message or body: what is said
    ("403", "", f'{{"errors":[{{"message":"{FULL} upper limit of 1 GiB."}}]}}'): "has no room for the images",
    ("403", "", '{"errors":[{"code":"DENIED","message":"Quota exceeded"}]}'): "has no room for the images",
    ("429", "", '{"errors":[{"message":"Quota exceeded for requests"}]}'): "refuses further requests",
    ("412", "", '{"errors":[{"message":"web:1 configured as immutable."}]}'): "use another prefix",
    ("400", "", '{"errors":[{"message":"Repository does not allow updating assets"}]}'): "use another prefix",
    ("400", "yes", TLS_PORT): "Leave out --registry-plain-http",
    ("400", "", TLS_PORT): "did not take shop/quota",
    ("400", "yes", "no"): "did not take shop/quota",
    ("403", "", '{"errors":[{"message":"shop/quota and shop/quota: denied"}]}'): "may not push to shop/quota",
    ("000 1", "yes", "Received HTTP/0.9 when not allowed"): "Leave out --registry-plain-http",
    ("000 1", "yes", 'Protocol "https" not supported'): "broke again",
    ("000 23", "", "a" * 1_048_576): "answers with more than any answer has",
    ("000 23", "", "a" * 4_194_305): "answers with more than any answer has",
    ("000 23", "", "a" * 1_048_575): "is full",
}
"""Answers whose words say more than their status."""
REDIRECTS = {
    # our origin, Location: what is said
    "https://r.example https://H.example:8443/v2/": "--registry h.example:8443/PREFIX",
    "https://r.example http://h.example/v2/": "redirects to http://h.example/v2/, which is no place",
    "https://r.example /login": "redirects to /login, which is no place",
    "https://r.example ftp://h/": "redirects to ftp://h/, which is no place",
    "http://r.example https://r.example/v2/": "Leave out --registry-plain-http",
    "http://r.example http://h.example:80/v2/": "--registry h.example/PREFIX",
}
REALMS = {
    # our origin, the token server's: whether it gets a password
    "https://r https://t": True,
    "https://r http://r": False,
    "http://r:5000 http://r:5001": True,
    "http://r:5000 https://r": True,
    "http://r https://t": False,
    "http://[fd00::1] http://[fd00::2]": False,
    "http://[fd00::1]:5000 http://[fd00::1]": True,
}
JSON = {
    '{"token":"a\\/b\\u002dc","x":[1,{"y":null}]}': "token\ta/b-c\nx>0\t1\nx>1>y\tnull\n",
    '{"errors":[{"message":"a\\n\\"b\\" \\u4e2d"}]}': 'errors>0>message\ta "b" ?\n',
    "[]": "",
    '{"a":1': None,
    '{"a" 1}': None,
    '"a" "b"': None,
    "[" * 40 + "]" * 40: None,
    '{"a":\n' + "\n" * 9000 + '"b"}': "a\tb\n",
}


@shell
def test_what_a_registry_wants(shell: str, tmp_path: Path) -> None:
    script = START
    for number, challenge in enumerate(CHALLENGES):
        (tmp_path / f"{number}").write_text(
            f"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
        )
        script += f"""
(
    AUTH='' REALM='' SERVICE=''
    cp {tmp_path}/{number} "$DESK/head"
    if take_challenge; then echo "$AUTH${{REALM:+ $REALM $SERVICE}}"; else echo refused; fi
) 2>&1"""
    shown = call(shell, script, tmp_path).stdout.splitlines()
    assert len(shown) == len(CHALLENGES)
    for said, (challenge, wanted) in zip(shown, CHALLENGES.items(), strict=True):
        if wanted == "bearer refused":
            assert "is no URL" in said, challenge
        else:
            assert said == wanted or (" " in wanted and wanted.removeprefix("Registry ") in said), challenge


@shell
def test_addresses(shell: str, tmp_path: Path) -> None:
    (tmp_path / "addresses").write_text("".join(f"{address}\n" for address in ADDRESSES))
    script = f"""
while IFS= read -r one; do
    printf '%s\\n' "$(settle_url "$one" 'https://R:5000/v2/up/1?s=1' | tr "$TAB" '|')"
done <{tmp_path}/addresses"""
    shown = call(shell, script, tmp_path)
    assert (shown.stdout.splitlines(), shown.stderr) == (list(ADDRESSES.values()), "")


def names(shell: str, folder: Path, images: list[tuple[str, str]]) -> list[str]:
    """Return the names of references with manifests below shop, or the error."""
    here = folder / "here"
    here.mkdir(exist_ok=True)
    (here / "images.tsv").write_text(
        "#reference\t...\n"
        + "".join(f"{one}\tsha256:{digest * 64}\tsha256:{'c' * 64}\t1\t1\n" for one, digest in images)
    )
    shown = call(
        shell, START + 'REGISTRY_PREFIX=shop; name_images_there; cut -f 3,4 "$SCRATCH/push/images"', folder
    )
    return (shown.stdout + shown.stderr).replace("\t", " ").splitlines()


@shell
def test_names_in_the_registry(shell: str, tmp_path: Path) -> None:
    """No two references get the same name, unless they are the same image; a chart gives the same names."""
    assert names(shell, tmp_path, [(one, "a") for one, _ in NAMES]) == [name for _, name in NAMES]
    tagged = [(one, name) for one, name in NAMES if "@" not in one and ":" in one.rpartition("/")[2]]
    assert tagged
    assert [f"shop/{pushed_name(one)}" for one, _ in tagged] == [name.replace(" ", ":") for _, name in tagged]
    for reference, said in REFUSED.items():
        (error,) = names(shell, tmp_path, [(reference, "a")])
        assert said in error
        assert reference in error
    same = [("nginx:1", "a"), ("docker.io/library/nginx:1", "a")]
    assert names(shell, tmp_path, same) == ["shop/library/nginx 1"] * 2
    (error,) = names(shell, tmp_path, [same[0], (same[1][0], "b")])
    assert "The images docker.io/library/nginx:1 and nginx:1 differ" in error


@shell
def test_registries_and_options(shell: str, tmp_path: Path) -> None:
    script = START
    cases = {
        "r.example/shop": "https://r.example r.example shop",
        "r.example:443/a/b-c/": "https://r.example r.example:443 a/b-c",
        "LOCALHOST:5000": "https://localhost:5000 LOCALHOST:5000 ",
        "[::1]:5000/x": "https://[::1]:5000 [::1]:5000 x",
        "harbor/x": "engines and Kubernetes take harbor",
        "r.example/Shop": "is not HOST",
        "r.example/a//b": "is not HOST",
        "user@r.example/a": "is not HOST",
        "http://r.example/a": "leave out the scheme",
        "r.example:65535/x": "https://r.example:65535 r.example:65535 x",
        "r.example:65536/x": "a port is a number from 1 to 65535",
        "[::1]:0/x": "a port is a number from 1 to 65535",
        "": "push needs the site's registry",
    }
    for registry in cases:
        script += f"""
(REGISTRY='{registry}'; read_registry; echo "$ORIGIN $REGISTRY_HOST $REGISTRY_PREFIX") 2>&1"""
    shown = call(shell, script, tmp_path).stdout.splitlines()
    assert len(shown) == len(cases)
    for said, (registry, wanted) in zip(shown, cases.items(), strict=True):
        assert said == wanted or (" " in wanted and wanted in said), registry


@shell
def test_ranges_and_parts(shell: str, tmp_path: Path) -> None:
    """Parts of a file are what they say, also where they begin and end in the middle of a block."""
    content = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(content)
    parts = [(0, 5), (0, 5_120_000), (1_048_576, 1_048_576), (1_048_575, 2), (3_000_001, 2_119_999)]
    script = START
    for number, (first, size) in enumerate(parts):
        script += f"exec 6<{tmp_path}/file; feed_part {first} {size} >{tmp_path}/part.{number}\n"
        script += f"last_range {first} {size}; echo\n"
    for value in ("0-0", "0-99", "bytes=0-4999999999", "", "1-2", "x"):
        script += f'printf "HTTP/1.1 202 A\\r\\nRange: {value}\\r\\n\\r\\n" >"$DESK/head"\n'
        script += 'if find_offset; then echo "$offset"; else echo -; fi\n'
    shown = call(shell, script, tmp_path)
    assert shown.stdout.split() == [
        *(f"{first}-{first + size - 1}" for first, size in parts), "0", "100", "5000000000", "0", "-", "-",
    ]  # fmt: skip
    for number, (first, size) in enumerate(parts):
        assert (tmp_path / f"part.{number}").read_bytes() == content[first : first + size]


@shell
def test_pauses(shell: str, tmp_path: Path) -> None:
    """They grow, up to a limit, and are longer if the registry asks for that."""
    script = (
        START
        + """
sleep() { printf '%s ' "$1"; }
for http in 500 429 503 000; do
    for wish in '' 7 100 99999 'Fri, 31 Dec 1999 23:59:59 GMT' -5; do
        printf 'HTTP/1.1 503 Busy\\r\\nretry-after: %s\\r\\n\\r\\n' "$wish" >"$DESK/head"
        : >"$DESK/body" >"$DESK/errors"
        pause 4
    done
done
: >"$DESK/head"; http=000
for tries in 1 2 3 5 6 7; do pause "$tries"; done"""
    )
    asked = ["8", "8", "100", "600", "8", "8"]
    assert call(shell, script, tmp_path).stdout.split() == [
        *asked * 3,
        *["8"] * 6,
        "1",
        "2",
        "4",
        "16",
        "30",
        "30",
    ]


@shell
def test_what_an_answer_means(shell: str, tmp_path: Path) -> None:
    script = START
    for case in ANSWERS:
        http, code, login = case.split()
        script += f"""
(
    http={http} curl_code={code} LOGIN_NAME={login.strip("-") or "''"}
    printf 'HTTP/1.1 {http} X\\r\\nLocation: https://Other:5000/v2/x\\r\\n\\r\\n' >"$DESK/head"
    printf '{{"errors":[{{"code":"NO","message":"no"}}]}}' >"$DESK/body"
    printf 'curl: ({code}) broken\\n' >"$DESK/errors"
    if is_transient; then printf 'again: '; fi
    blame_answer shop/web
) 2>&1"""
    shown = call(shell, script, tmp_path).stdout.splitlines()
    assert len(shown) == len(ANSWERS)
    for said, (case, wanted) in zip(shown, ANSWERS.items(), strict=True):
        assert wanted in said, case
        again = case.split()[0] in {"429", "500"} or case.split()[1] in {"6", "7", "35", "56"}
        assert said.startswith("again: ") == again, case


@shell
def test_what_its_words_mean(shell: str, tmp_path: Path) -> None:
    script = START
    for number, (answer, plain, body) in enumerate(WORDS):
        http, _, code = answer.partition(" ")
        (tmp_path / f"{number}").write_text(body)
        script += f"""
(
    http={http} curl_code={code or 0} LOGIN_NAME=me REGISTRY_PLAIN={plain}
    printf 'HTTP/1.1 {http} X\\r\\n\\r\\n' >"$DESK/head"
    cp {tmp_path}/{number} "$DESK/body"
    {{ printf 'curl: (1) '; head -c 100 "$DESK/body"; }} >"$DESK/errors"
    blame_answer shop/quota
) 2>&1"""
    for case in REDIRECTS:
        origin, location = case.split()
        script += f"""
(
    http=307 ORIGIN={origin}
    printf 'HTTP/1.1 307 X\\r\\nLocation: {location}\\r\\n\\r\\n' >"$DESK/head"
    printf '' >"$DESK/body"
    blame_answer shop/quota
) 2>&1"""
    shown = call(shell, script, tmp_path).stdout.splitlines()
    wanted = [*WORDS.items(), *REDIRECTS.items()]
    assert len(shown) == len(wanted)
    for said, (asked, expected) in zip(shown, wanted, strict=True):
        assert expected in said, str(asked)[:200]


@shell
def test_who_gets_a_password(shell: str, tmp_path: Path) -> None:
    """Without TLS only the same host, whatever the one in between names."""
    script = START
    for case in REALMS:
        ours, other = case.split()
        plain = "yes" if ours.startswith("http:") else ""
        script += f"(ORIGIN={ours} REGISTRY_PLAIN={plain}; judge_realm {other} && echo given) 2>&1\n"
    shown = call(shell, script, tmp_path).stdout.splitlines()
    assert [said == "given" for said in shown] == list(REALMS.values())
    refused = [said for said in shown if said != "given"]
    assert all("No password is sent there" in said or "no password is sent there" in said for said in refused)


@shell
def test_an_authority_that_is_named_is_the_only_one(shell: str, tmp_path: Path) -> None:
    script = START + (
        "REGISTRY=r.example/x REGISTRY_CA=/dev/stdin; printf 'authority' | { check_push_options; "
        'write_request GET https://r.example/v2/ - - -; cat "$SCRATCH/push/authority"; }; '
        'echo; echo "$SCRATCH"; REGISTRY_CA=$HERE; mkdir "$HERE"; check_push_options'
    )
    shown = call(shell, script, tmp_path)
    *request, content, scratch = shown.stdout.splitlines()
    assert content == "authority"
    assert f'cacert = "{scratch}/push/authority"' in request
    assert f'capath = "{scratch}/push/no-authorities"' in request
    assert (shown.returncode, f"The file {tmp_path}/here does not exist" in shown.stderr) == (2, True)


@shell
def test_long_answers(shell: str, tmp_path: Path) -> None:
    """Only the beginning is read: what is longer is no answer, and takes no time; so are challenges."""
    (tmp_path / "long").write_text('{"token":"abc","x":[' + "1,\n" * 300_000 + "1]}")
    (tmp_path / "short").write_text('{"token":"abc","x":[' + "1,\n" * 3_000 + "1]}")
    (tmp_path / "head").write_text(
        'HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer realm="https://h/t",' + "a=1," * 20_000 + "\r\n\r\n"
    )
    script = START
    for name in ("long", "short"):
        script += f'cp {tmp_path}/{name} "$DESK/body"; echo "<$(leaf token)>"\n'
    script += f'cp {tmp_path}/head "$DESK/head"; take_challenge || echo refused\n'
    begun = time.monotonic()
    assert call(shell, script, tmp_path).stdout.split() == ["<>", "<abc>", "refused"]
    assert time.monotonic() - begun < 20


@shell
def test_a_manifest_that_is_lost(shell: str, tmp_path: Path) -> None:
    """A registry that says 201 and does not have it; manifests may be 4 MiB, other answers 1 MiB."""
    digest = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    blobs = tmp_path / "blobs/sha256"
    blobs.mkdir(parents=True)
    (blobs / digest.removeprefix("sha256:")).write_text("{}")
    script = (
        START
        + f"""
BLOBS={tmp_path}/blobs
printf '{digest}\\tapplication/vnd.oci.image.manifest.v1+json\\n' >"$SCRATCH/push/media"
curl() {{ head -c 5000000 /dev/zero; }}
for url in /v2/x/manifests/1 /v2/x/blobs/1; do exchange GET "$ORIGIN$url" - - -; wc -c <"$DESK/body"; done
call_patiently() {{ http=201; [ "$1" = PUT ] || http=404; }}
put_manifest shop/web {digest} 1"""
    )
    shown = call(shell, script, tmp_path)
    assert shown.stdout.split() == ["4194305", "1048576"]
    assert "took the manifest of shop/web:1" in shown.stderr
    assert "but does not have it now" in shown.stderr


@shell
def test_json(shell: str, tmp_path: Path) -> None:
    script = ""
    for number, text in enumerate(JSON):
        (tmp_path / f"{number}.json").write_text(text)
        script += (
            f'awk "$PROGRAM_REGISTRY_LEAVES" {tmp_path}/{number}.json >{tmp_path}/{number}.leaves; echo $?\n'
        )
    codes = call(shell, script, tmp_path).stdout.split()
    for number, wanted in enumerate(JSON.values()):
        assert codes[number] == ("1" if wanted is None else "0")
        if wanted is not None:
            assert (tmp_path / f"{number}.leaves").read_text() == wanted


@shell
def test_logins(shell: str, tmp_path: Path) -> None:
    """Of the Docker configuration, the login of this host; what is damaged is said, and not used."""
    login = {"auth": base64.b64encode(b"me:a:b c").decode()}
    folder = tmp_path / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"auths": {"registry.example": login, "other": {"auth": "eDp5"}}})
    )
    script = START + 'find_login; echo "$LOGIN_NAME|$LOGIN_WORD"; print_login\n'
    shown = call(shell, script, tmp_path)
    assert shown.stdout.splitlines()[1:] == ["me|a:b c", 'user = "me:a:b c"']
    (folder / "config.json").write_text('{"auths": {')
    shown = call(shell, script, tmp_path)
    assert (shown.stdout.splitlines()[0], "cannot be read" in shown.stderr) == ("|", True)
    login["auth"] = base64.b64encode(b'me:a\nurl = "http://other/"').decode()
    (folder / "config.json").write_text(json.dumps({"auths": {"registry.example": login}}))
    shown = call(shell, script, tmp_path)
    assert (shown.stdout.splitlines()[0], "are not used" in shown.stderr) == ("|", True)
    (tmp_path / "word").write_text('a"b\\c\r\nsecond\n')
    script = START + f"REGISTRY_USER=me REGISTRY_PASSWORD_FILE={tmp_path}/word; find_login; print_login"
    assert call(shell, script, tmp_path).stdout == 'user = "me:a\\"b\\\\c"\n'
    script = START + (
        "REGISTRY=r.example/x REGISTRY_USER=me REGISTRY_PASSWORD_FILE=/dev/stdin; "
        f"cat {tmp_path}/word | {{ check_push_options; find_login; print_login; }}"
    )
    assert call(shell, script, tmp_path).stdout == 'user = "me:a\\"b\\\\c"\n'
    script = START + "REGISTRY_USER=me; find_login"
    shown = call(shell, script, tmp_path)
    assert (shown.returncode, "BUNDLE_REGISTRY_PASSWORD" in shown.stderr) == (2, True)


@shell
def test_no_room_for_compact_images(shell: str, tmp_path: Path) -> None:
    digest = f"sha256:{'a' * 64}"
    script = (
        START
        + f"""
TMPDIR={tmp_path}
printf '%s\\t%s\\t%s\\tlayer\\n' m {digest} 5000000000 >"$SCRATCH/push/blobs"
printf 'upload\\tshop/web\\t{digest}\\t5000000000\\t-\\n' >"$SCRATCH/push/needed"
free_bytes() {{ echo 5000000000; }}
fill_spool "$SCRATCH/push/needed" """
    )
    shown = call(shell, script, tmp_path)
    assert shown.returncode == 1
    assert f"which needs 5.0 GB; there is not enough room in {tmp_path}." in shown.stderr
    assert not list(tmp_path.glob("bundle.*"))

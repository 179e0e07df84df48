"""Secrets of a canonical document: groups of equal values, every place of each, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bundler.api.application import ConfigFile
from bundler.api.variable import SiteVariable
from bundler_compose.secrets.follow import Followed, follow_secrets
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.project import Project, Rules
from bundler_compose.site_text import Marks, Use
from bundler_compose.template_text import Substitution, pieces


def marked(marks: Marks, value: Any) -> Any:  # noqa: ANN401 any YAML value
    """Return a value in which each `${...}` is a mark."""
    if isinstance(value, str):
        return "".join(
            marks.mark(Use(piece.name, piece.operator, marked(marks, piece.word)))
            if isinstance(piece, Substitution)
            else piece
            for piece in pieces(value)
        )
    if isinstance(value, dict):
        return {key: marked(marks, item) for key, item in value.items()}
    return [marked(marks, item) for item in value] if isinstance(value, list) else value


def rendered(marks: Marks, value: Any) -> Any:  # noqa: ANN401 likewise
    if isinstance(value, str):
        return marks.render(value)
    if isinstance(value, Mapping):
        return {key: rendered(marks, item) for key, item in value.items()}
    return [rendered(marks, item) for item in value] if isinstance(value, list) else value


class Result:
    """What became of a project."""

    def __init__(self, followed: Followed, marks: Marks) -> None:
        self.followed = followed
        self.document = rendered(marks, followed.document)
        self.problems = [f"{problem.where}: {problem.message}" for problem in followed.problems]
        self.names = [group.name for group in followed.groups]

    def environment(self, service: str) -> dict[str, str | None]:
        found: dict[str, str | None] = self.document["services"][service]["environment"]
        return found

    def text(self, path: str) -> str:
        return self.followed.files[path].read().decode()


def follow(
    document: str,
    values: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    rules: Rules | None = None,
) -> Result:
    marks = Marks()
    project = Project(
        marked(marks, yaml.safe_load(document)),
        Today(marks, {name: marked(marks, value) for name, value in (values or {}).items()}),
        {
            path: ConfigFile(path, text.encode() if isinstance(text, str) else text)
            for path, text in (files or {}).items()
        },
        lambda keys: ".".join(map(str, keys)),
        rules or Rules("generate"),
    )
    return Result(follow_secrets(project), marks)


def one(text: str, **environment: str) -> Result:
    return follow(yaml.safe_dump({"services": {"web": {"environment": {**environment, "TEXT": text}}}}))


# ---------------------------------------------------------------- groups


def test_equal_defaults_of_two_secrets_become_one_value() -> None:
    done = follow("""
services:
  store: {environment: {ROOT_PASSWORD: "${ROOT_PASSWORD:-storesecret}"}}
  web: {environment: {S3_SECRET_KEY: "${S3_SECRET_KEY:-storesecret}"}}
""")
    assert done.environment("store") == {"ROOT_PASSWORD": "${ROOT_PASSWORD}"}
    assert done.environment("web") == {"S3_SECRET_KEY": "${ROOT_PASSWORD}"}
    assert set(done.followed.variables) == {"ROOT_PASSWORD"}
    assert not done.problems


def test_a_password_is_followed_into_the_default_of_an_address() -> None:
    done = follow("""
services:
  db: {environment: {POSTGRES_PASSWORD: "${POSTGRES_PASSWORD:-longpassword}"}}
  web: {environment: {DATABASE_URL: "${DATABASE_URL:-postgres://shop:longpassword@db/shop}"}}
""")
    assert done.environment("web") == {
        "DATABASE_URL": "${DATABASE_URL:-postgres://shop:${POSTGRES_PASSWORD}@db/shop}"
    }
    assert done.environment("db") == {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD}"}


def test_an_address_in_dotenv_takes_the_place_of_its_use() -> None:
    done = follow(
        """
services:
  db: {environment: {POSTGRES_PASSWORD: "${DB_PASSWORD}"}}
  web: {environment: {DATABASE_URL: "${DATABASE_URL:?no database}", AGAIN: "${DATABASE_URL}"}}
""",
        {"DB_PASSWORD": "x1", "DATABASE_URL": "postgres://shop:x1@db/shop"},
    )
    address = "postgres://shop:${DB_PASSWORD}@db/shop"
    assert done.environment("web") == {"DATABASE_URL": address, "AGAIN": address}
    assert done.environment("db") == {"POSTGRES_PASSWORD": "${DB_PASSWORD}"}


def test_two_values_under_one_name_become_two_groups() -> None:
    done = follow("""
services:
  a: {environment: {REDIS_PASSWORD: alpha-secret}}
  b: {environment: {REDIS_PASSWORD: beta-secret}}
""")
    assert done.environment("a") == {"REDIS_PASSWORD": "${REDIS_PASSWORD}"}
    assert done.environment("b") == {"REDIS_PASSWORD": "${B_REDIS_PASSWORD}"}


def test_two_defaults_of_one_variable_become_two_groups() -> None:
    done = follow("""
services:
  a: {environment: {REDIS_PASSWORD: "${REDIS_PASSWORD:-alpha-secret}"}}
  b: {environment: {REDIS_PASSWORD: "${REDIS_PASSWORD:-beta-secret}"}}
""")
    assert done.environment("a") != done.environment("b")
    assert len(done.followed.variables) == 2


def test_a_literal_never_takes_the_name_of_a_variable_that_is_something_else() -> None:
    done = follow(
        """
services:
  a: {environment: {PASSWORD: written-here}}
  b: {environment: {X_PASSWORD: "${PASSWORD}"}}
""",
        {"PASSWORD": "another-one"},
    )
    assert done.environment("b") == {"X_PASSWORD": "${PASSWORD}"}
    assert done.environment("a") == {"PASSWORD": "${A_PASSWORD}"}


@given(st.text(alphabet="ab1", min_size=1, max_size=3), st.text(alphabet="ab1", min_size=1, max_size=3))
def test_equal_values_stay_equal_and_different_ones_different(first: str, second: str) -> None:
    done = follow(
        yaml.safe_dump(
            {
                "services": {
                    "db": {"environment": {"DB_PASSWORD": first, "ADMIN_PASSWORD": second}},
                    "web": {
                        "environment": {"URL": f"postgres://u:{first}@db/x", "OTHER": f"amqp://u:{second}@mq"}
                    },
                }
            }
        )
    )
    db, web = done.environment("db"), done.environment("web")
    assert web["URL"] == f"postgres://u:{db['DB_PASSWORD']}@db/x"
    assert web["OTHER"] == f"amqp://u:{db['ADMIN_PASSWORD']}@mq"
    assert (db["DB_PASSWORD"] == db["ADMIN_PASSWORD"]) == (first == second)


# ---------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://shop:shop1@db/shop", "postgres://shop:${DB_PASSWORD}@db/shop"),
        (
            "jdbc:postgresql://db/x?user=shop&password=shop1",
            "jdbc:postgresql://db/x?user=shop&password=${DB_PASSWORD}",
        ),
        ("host=db user=shop password=shop1", "host=db user=shop password=${DB_PASSWORD}"),
        ("Server=db;User Id=shop;Password=shop1;", "Server=db;User Id=shop;Password=${DB_PASSWORD};"),
        ('{"db": {"password": "shop1"}}', '{"db": {"password": "${DB_PASSWORD}"}}'),
        ("redis://:shop1@cache:6379/0", "redis://:${DB_PASSWORD}@cache:6379/0"),
        ("redis-cli -a shop1 ping", "redis-cli -a ${DB_PASSWORD} ping"),
        ("mysql -uroot -pshop1 -e 'select 1'", "mysql -uroot -p${DB_PASSWORD} -e 'select 1'"),
        ("curl -u admin:shop1 http://x", "curl -u admin:${DB_PASSWORD} http://x"),
        ("https://h/?a=1&token=shop1&b=2", "https://h/?a=1&token=${DB_PASSWORD}&b=2"),
        (
            "mongodb://u:shop1@a:1,b:2/x?authSource=admin",
            "mongodb://u:${DB_PASSWORD}@a:1,b:2/x?authSource=admin",
        ),
    ],
)  # fmt: skip
def test_a_short_password_is_found_by_its_position(text: str, expected: str) -> None:
    done = one(text, DB_PASSWORD="shop1")
    assert done.environment("web")["TEXT"] == expected
    assert not done.problems


def test_a_password_is_found_in_another_encoding() -> None:
    done = one("postgres://u:p%40ss%2Fw0rd@db", DB_PASSWORD="p@ss/w0rd")
    assert done.environment("web")["TEXT"] == "postgres://u:${DB_PASSWORD}@db"
    assert done.followed.variables["DB_PASSWORD"].pattern, "an operator's value is not encoded"


def test_a_password_with_separators_is_followed_as_a_whole() -> None:
    done = one("user=a;password=p,w0;rd12;x=1", DB_PASSWORD="p,w0;rd12")
    assert done.environment("web")["TEXT"] == "user=a;password=${DB_PASSWORD};x=1"
    assert list(done.followed.variables) == ["DB_PASSWORD"]


def test_a_password_with_an_escape_is_replaced_as_a_whole() -> None:
    done = one(r"""{"password":"ab\"cdefgh1","x":1} sh -c "export PASSWORD='it'\''s98765'" """)
    assert done.environment("web")["TEXT"] == (
        """{"password":"${PASSWORD}","x":1} sh -c "export PASSWORD='${WEB_PASSWORD}'" """
    )
    assert not done.problems


def test_passwords_that_begin_alike_are_two() -> None:
    done = follow(
        "configs:\n"
        """  a: {content: '{"token": "q1w2e3\\"r4t5"}'}\n"""
        """  b: {content: '{"token": "q1w2e3\\"zzzz"}'}\n"""
    )
    assert [group.value for group in done.followed.groups] == ['q1w2e3"r4t5', 'q1w2e3"zzzz']
    assert done.document["configs"]["a"]["content"] == '{"token": "${TOKEN}"}'


def test_a_value_is_found_in_the_spelling_of_each_file() -> None:
    value = 'p@ss$w"0rd&<x>'
    page = r"p@ss$w\"0rd\u0026\u003cx\u003e"
    done = follow(
        "services: {web: {environment: {DB_PASSWORD: '${DB_PASSWORD}'}}}",
        {"DB_PASSWORD": value.replace("$", "$$")},
        files={
            "c.json": json.dumps({"any": value}),
            "go.json": f'{{"any": "{page}", "password": "{page}"}}',
            "c.xml": "<a b='p@ss$w&quot;0rd&amp;&lt;x&gt;'/>",
            "c.yaml": f"a: '{value}'\n",
        },
    )
    assert done.text("c.json") == '{"any": "@@DB_PASSWORD@@"}'
    assert done.text("go.json") == '{"any": "@@DB_PASSWORD@@", "password": "@@DB_PASSWORD@@"}'
    assert done.text("c.xml") == "<a b='@@DB_PASSWORD@@'/>"
    assert done.text("c.yaml") == "a: '@@DB_PASSWORD@@'\n"
    assert not done.problems


def test_a_value_whose_end_is_not_known_is_refused() -> None:
    text = "x password: 'abc12"
    done = one(text)
    assert "services.web.environment.TEXT: has a secret in quotes that are not closed" in done.problems[0]
    whole = follow(
        yaml.safe_dump({"services": {"web": {"environment": {"TEXT": text}}}}),
        rules=Rules("generate", decisions={"TEXT": "generate"}),
    )
    assert (whole.environment("web")["TEXT"], whole.problems) == ("${TEXT}", [])


def test_a_name_without_a_value_is_the_variable_of_compose() -> None:
    done = follow(
        "services: {db: {environment: {DB_PASSWORD: }}, web: {environment: {U: 'amqp://u:pw1@mq', OTHER: }}}",
        {"DB_PASSWORD": "pw1", "OTHER": "x"},
    )
    assert done.environment("db") == {"DB_PASSWORD": None}
    assert done.environment("web") == {"U": "amqp://u:${DB_PASSWORD}@mq", "OTHER": None}
    assert done.followed.variables["DB_PASSWORD"].generator


def test_a_word_that_is_also_a_user_a_host_and_a_database_is_replaced_by_position() -> None:
    done = follow("""
services:
  postgres:
    image: postgres:15
    environment: {POSTGRES_USER: postgres, POSTGRES_PASSWORD: postgres, POSTGRES_DB: postgres}
    healthcheck: {test: [CMD-SHELL, "pg_isready -U postgres -d postgres"]}
  web:
    environment: {URL: "postgres://postgres:postgres@postgres/postgres", DB_HOST: postgres, DB_TYPE: postgres}
""")
    postgres = done.document["services"]["postgres"]
    assert postgres["environment"] == {
        "POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "${POSTGRES_PASSWORD}", "POSTGRES_DB": "postgres",
    }  # fmt: skip
    assert postgres["healthcheck"]["test"][1] == "pg_isready -U postgres -d postgres"
    assert done.environment("web") == {
        "URL": "postgres://postgres:${POSTGRES_PASSWORD}@postgres/postgres", "DB_HOST": "postgres",
        "DB_TYPE": "postgres",
    }  # fmt: skip
    assert not done.problems


def test_a_short_word_under_a_name_that_says_nothing_is_refused_until_it_is_decided() -> None:
    document = "services: {web: {environment: {DB_PASSWORD: blue, PAINT: blue}}}"
    done = follow(document)
    assert "services.web.environment.PAINT: has the value of the secret DB_PASSWORD" in done.problems[0]
    public = follow(document, rules=Rules("generate", decisions={"PAINT": "public"}))
    assert (public.environment("web")["PAINT"], public.problems) == ("blue", [])
    same = follow(document, rules=Rules("generate", decisions={"PAINT": "generate"}))
    assert (same.environment("web")["PAINT"], same.problems) == ("${DB_PASSWORD}", [])


def test_a_long_password_is_followed_under_any_name_but_not_into_words() -> None:
    done = one("hunter22, xhunter22 and hunter22x", DB_PASSWORD="hunter22", ANY="hunter22")
    assert done.environment("web") == {
        "DB_PASSWORD": "${DB_PASSWORD}", "ANY": "${DB_PASSWORD}",
        "TEXT": "${DB_PASSWORD}, xhunter22 and hunter22x",
    }  # fmt: skip


def test_arguments_labels_and_contents() -> None:
    done = follow("""
services:
  cache:
    command: [redis-server, --requirepass, ab, --save, "60"]
    healthcheck: {test: [CMD, redis-cli, -a, ab, ping]}
    labels: {com.example.cache-password: ab}
  db:
    environment: {MYSQL_ROOT_PASSWORD: rt}
    healthcheck: {test: [CMD, mysqladmin, ping, -prt]}
    command: [sh, -c, "PGPASSWORD=rt psql --password=rt && mysql -u x -prt"]
configs:
  c: {content: "[db]\\npassword = rt\\nname = rt\\nrequirepass ab\\n"}
""")
    cache, db = done.document["services"]["cache"], done.document["services"]["db"]
    assert cache["command"][2] == "${REQUIREPASS}"
    assert cache["healthcheck"]["test"][3] == "${REQUIREPASS}"
    assert cache["labels"] == {"com.example.cache-password": "${REQUIREPASS}"}
    assert db["healthcheck"]["test"][3] == "-p${MYSQL_ROOT_PASSWORD}"
    value = "${MYSQL_ROOT_PASSWORD}"
    assert db["command"][2] == f"PGPASSWORD={value} psql --password={value} && mysql -u x -p{value}"
    assert done.document["configs"]["c"]["content"] == (
        f"[db]\npassword = {value}\nname = rt\nrequirepass ${{REQUIREPASS}}\n"
    )
    assert not done.problems


def test_an_access_key_that_is_a_user_stays_with_the_user() -> None:
    done = follow("""
services:
  minio: {environment: {MINIO_ROOT_USER: minioadmin, MINIO_ROOT_PASSWORD: minioadmin}}
  app: {environment: {S3_ACCESS_KEY: minioadmin, S3_SECRET_KEY: minioadmin}}
""")
    assert done.environment("app") == {
        "S3_ACCESS_KEY": "minioadmin", "S3_SECRET_KEY": "${MINIO_ROOT_PASSWORD}",
    }  # fmt: skip
    assert not done.problems


def test_a_default_of_a_shell_has_the_secret_of_the_project() -> None:
    done = follow("""
services:
  app: {environment: {REDIS_HOST_PASSWORD: nextcloud}}
  redis: {command: [redis-server, --requirepass, "$${REDIS_PASSWORD:-nextcloud}"]}
""")
    assert done.document["services"]["redis"]["command"][2] == "$${REDIS_PASSWORD:-${REDIS_HOST_PASSWORD}}"


def test_a_value_made_of_a_secret_is_derived() -> None:
    done = follow(
        """
services:
  db: {environment: {POSTGRES_PASSWORD: "${DB_PASSWORD}", ADMIN_TOKEN: "x-${DB_PASSWORD}-y"}}
secrets: {dsn: {environment: DATABASE_URL}, own: {environment: DB_PASSWORD}}
configs: {dsn: {environment: DATABASE_URL}}
""",
        {"DB_PASSWORD": "shop1", "DATABASE_URL": "postgres://u:${DB_PASSWORD}@db"},
    )
    assert done.environment("db")["ADMIN_TOKEN"] == "x-${DB_PASSWORD}-y"
    assert done.document["secrets"] == {
        "dsn": {"file": "./secrets/dsn"}, "own": {"environment": "DB_PASSWORD"},
    }  # fmt: skip
    assert done.text("secrets/dsn") == "postgres://u:@@DB_PASSWORD@@@db"
    assert done.followed.files["secrets/dsn"].template
    assert done.document["configs"] == {"dsn": {"content": "postgres://u:${DB_PASSWORD}@db"}}
    assert set(done.followed.variables) == {"DB_PASSWORD"}


def test_what_depends_on_whether_a_secret_is_set() -> None:
    done = follow(
        'services: {a: {environment: {P_PASSWORD: "${A_PASSWORD}", Q_PASSWORD: "${B_PASSWORD}",'
        ' T: "${B_PASSWORD:+--auth}"}}}',
        {"A_PASSWORD": "one-value", "B_PASSWORD": "one-value"},
    )
    assert done.environment("a") == {
        "P_PASSWORD": "${A_PASSWORD}", "Q_PASSWORD": "${A_PASSWORD}", "T": "${A_PASSWORD:+--auth}",
    }  # fmt: skip


# ---------------------------------------------------------------- what is no secret, or stays empty


def test_what_is_no_secret_stays() -> None:
    environment = {
        "PASSWORD_FILE": "/run/secrets/x", "TLS_PRIVATE_KEY": "/certs/tls.key", "TOKEN_EXPIRY": "30d",
        "KEYCLOAK_URL": "http://kc", "KEY_PREFIX": "shop", "PASSWORD_MIN_LENGTH": "12", "USE_TOKEN": "x-y-z",
        "ALLOW_EMPTY_PASSWORD": "yes", "SSH_PUBLIC_KEY": "ssh-ed25519 AAAAC3", "SECRET_ROTATION": "7d",
        "TOKEN_ENDPOINT": "https://idp.example/token", "SECRET": "false", "EMPTY_PASSWORD": "",
    }  # fmt: skip
    done = follow(yaml.safe_dump({"services": {"web": {"environment": environment}}}))
    assert done.environment("web") == environment
    assert not done.followed.groups


def test_an_optional_secret_stays_optional() -> None:
    done = follow(
        """
services:
  web:
    environment:
      A_PASSWORD: ${A_PASSWORD:-}
      B_PASSWORD: ${B_PASSWORD}
      C_PASSWORD: ${C_PASSWORD:?say it}
      SMTP_PASSWORD: ${SMTP_PASSWORD}
      OPENAI_API_KEY: ${OPENAI_API_KEY:?say it}
      D_PASSWORD: ${D_PASSWORD:-${A_PASSWORD:-}}
      E_PASSWORD:
      F_PASSWORD: ${F_PASSWORD?say it}
      G_PASSWORD: ${G_PASSWORD?say it}
      H_PASSWORD: ${H_PASSWORD:?say it}
      I_PASSWORD: ${I_PASSWORD:-}${I_PASSWORD:?say it}
""",
        {"A_PASSWORD": "", "G_PASSWORD": "", "H_PASSWORD": ""},
    )
    made = {
        name: (variable.generator, variable.required) for name, variable in done.followed.variables.items()
    }
    assert made == {
        "A_PASSWORD": (None, False), "B_PASSWORD": ("random:32", False), "C_PASSWORD": ("random:32", False),
        "SMTP_PASSWORD": (None, False), "OPENAI_API_KEY": (None, True), "D_PASSWORD": (None, False),
        "E_PASSWORD": (None, False), "F_PASSWORD": ("random:32", False), "G_PASSWORD": (None, False),
        "H_PASSWORD": ("random:32", False), "I_PASSWORD": ("random:32", False),
    }  # fmt: skip
    assert done.environment("web")["A_PASSWORD"] == "${A_PASSWORD:-}"


# ---------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("value", "generator", "shown"),
    [
        ("changeme", "random:32", "${SECRET_KEY}"),
        ("0123456789abcdef0123456789abcdef", "hex:16", "${SECRET_KEY}"),
        ("9b2c1f6e-5d3a-4b8e-9c7f-1a2b3c4d5e6f", "uuid", "${SECRET_KEY}"),
        ("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=", "random:42", "${SECRET_KEY}A="),
        ("base64:3KdTmJ9PqzJk2b8C0xW5vE1yN6rLhGfA4sUoIiQtYpM=", "random:42", "base64:${SECRET_KEY}A="),
        ("AbCdEfGhIjKlMnOpQrStUvWxYz012345", "random:32", "${SECRET_KEY}"),
        ("a-sentence-of-twenty", "random:20", "${SECRET_KEY}"),
    ],
)  # fmt: skip
def test_a_value_gets_a_generator_of_its_form(value: str, generator: str, shown: str) -> None:
    done = one("", SECRET_KEY=value)
    assert done.followed.variables["SECRET_KEY"].generator == generator
    assert done.environment("web")["SECRET_KEY"] == shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("admin:$apr1$abcd$0123456789abcdefghijkl", "hash of a password"),
        ("$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "hash of a password"),
        ("{SSHA}0123456789abcdef0123456789abcdef", "hash of a password"),
        ("Basic YWRtaW46c2VjcmV0", "user and password in base64"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.abc", "signed token"),
        ("sk-abcdefghijklmnopqrstuvwxyz", "outside the project"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "private key"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_the_choice(value: str, words: str) -> None:
    document = yaml.safe_dump({"services": {"web": {"environment": {"AUTH_KEY": value.replace("$", "$$")}}}})
    done = follow(document)
    assert words in done.problems[0]
    problem = done.followed.problems[0]
    assert "carry" in problem.choices
    assert "generate" not in problem.choices
    kept = follow(document, rules=Rules("generate", decisions={"AUTH_KEY": "carry"}))
    assert (kept.problems, kept.followed.groups[0].kind) == ([], "carry")
    assert kept.environment("web")["AUTH_KEY"] == value.replace("$", "$$")


def test_a_password_for_a_server_outside_is_refused_and_can_be_asked_for() -> None:
    document = "services: {web: {environment: {URL: 'https://u:f7d8s9a0@api.example.com/x'}}}"
    done = follow(document)
    assert "outside the project" in done.problems[0]
    asked = follow(document, rules=Rules("generate", decisions={"URL_PASSWORD": "ask"}))
    variable = asked.followed.variables["URL_PASSWORD"]
    assert (variable.required, variable.generator, asked.problems) == (True, None, [])


def test_nothing_in_plain_text_travels_unless_the_profile_says_so() -> None:
    document = "services: {web: {environment: {A_PASSWORD: hunter22, B_TOKEN: '${B_TOKEN:-hidden99}'}}}"
    done = follow(document, rules=Rules("refuse"))
    assert done.problems == ["services.web.environment.A_PASSWORD: A_PASSWORD stands in plain text"]
    carried = follow(document, rules=Rules("carry"))
    assert (carried.environment("web")["A_PASSWORD"], carried.problems) == ("hunter22", [])
    assert carried.environment("web")["B_TOKEN"] == "${B_TOKEN}", "a default is no text of the project"


# ---------------------------------------------------------------- files


def test_a_file_of_secrets_becomes_a_template() -> None:
    done = follow(
        "services: {web: {environment: {DB: 'postgres://u:pw@db'}}}\n"
        "secrets: {db-password: {file: ./pw.txt}}",
        files={"pw.txt": "pw\n"},
    )
    assert done.text("pw.txt") == "@@DB_PASSWORD@@\n"
    assert done.environment("web")["DB"] == "postgres://u:${DB_PASSWORD}@db"
    assert done.followed.files["pw.txt"].template == "text"


def test_a_carried_file_gets_the_value_of_the_group() -> None:
    done = follow(
        "services: {web: {environment: {DB_PASSWORD: hunter22}}}",
        files={"app.yaml": 'db:\n  password: "hunter22"\n  user: app\n', "notes.txt": "no hunter22s here\n"},
    )
    assert done.text("app.yaml") == 'db:\n  password: "@@DB_PASSWORD@@"\n  user: app\n'
    assert done.followed.files["app.yaml"].template == "yaml"
    assert done.followed.files["notes.txt"].template is None
    assert not done.problems


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("tls.key", "x\n-----BEGIN RSA PRIVATE KEY-----\nabc\n", "tls.key:2: has a private key"),
        ("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "id:1: has a private key"),
        ("x.jks", b"\xfe\xed\xfe\xed\x00\x00", "x.jks: has a key store of Java"),
        ("x.p12", b"\x30\x82\x09\x50\x02\x01\x03\x30\x82", "x.p12: has a key store (PKCS#12)"),
        ("users", "# users\nbob:$apr1$abcd$0123456789\n", "users:2: has the hash of a password"),
        (".pgpass", "db:5432:*:u:pw\n", ".pgpass: has passwords of PostgreSQL"),
        ("netrc", "machine x.example\nlogin a\npassword b\n", "netrc:1: has a login (.netrc)"),
        (
            "config.json",
            '{"auths": {"r.example": {"auth": "YTpiY2Q="}}}', "config.json:1: has logins of registries",
        ),
        (
            "kube",
            "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBSU0E=\n", "kube:3: has a key of a cluster",
        ),
        ("aws", "[default]\naws_secret_access_key = abc\n", "aws:2: has a key of AWS"),
        ("app.yaml", "a: 1\npassword: 'abc1\n", "app.yaml:2: has a secret in plain text (password)"),
        ("app.yaml", "db:\n  password: s3cret\n", "app.yaml:2: has a secret in plain text (password)"),
        ("app.toml", 'name = "x"\napi_key = "abcdef"\n', "app.toml:2: has a secret in plain text (api_key)"),
        ("app.xml", "<a>\n<password>abc1</password></a>", "app.xml:2: has a secret in plain text (password)"),
        ("app.env", "A=1\nDB_PASSWORD=abc1\n", "app.env:2: has a secret in plain text (DB_PASSWORD)"),
        ("init.sql", "CREATE USER a\n  PASSWORD 'abc1';", "init.sql:2: has a secret in plain text"),
        ("a.conf", "url = postgres://a:b1@db/x\n", "a.conf:1: has a secret in plain text"),
    ],
)  # fmt: skip
def test_keys_and_passwords_in_carried_files_are_refused_unless_listed(
    path: str, text: str | bytes, problem: str
) -> None:
    document = "services: {web: {environment: {A: b}}}"
    done = follow(document, files={path: text})
    assert done.problems == [problem]
    assert (done.followed.problems[0].setting, done.followed.problems[0].name) == ("carry", path)
    listed = follow(document, files={path: text}, rules=Rules("generate", carry={path}))
    assert not listed.problems


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.yaml", "password: ${DB_PASSWORD}\ntoken: {{ token }}\nsecret: true\npassword_file: /run/x\n"),
        (
            "nginx.conf",
            "proxy_pass http://web;\nproxy_set_header X-Token $http_x;\nssl_certificate_key /x.key;\n",
        ),
        ("app.py", "password = getpass()\ntoken = request.token\n"),
        ("pub.pem", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"),
        ("yarn.lock", 'integrity sha512-aaaaYPw=="\n  js-tokens "^4.0.0"\n'),
        ("package.json", '{"dependencies": {"js-tokens": "^4.0.0"}}'),
        ("a.ini", "# password = example\n; token = abcdef\n"),
        ("schema.json", '{"password": {"type": "string"}, "token": null}'),
    ],
)  # fmt: skip
def test_files_without_secrets_travel(path: str, text: str) -> None:
    assert not follow("services: {web: {environment: {A: b}}}", files={path: text}).problems


def test_a_site_template_gets_the_name_of_the_group() -> None:
    marks = Marks()
    file = ConfigFile("a.conf", b"key @@S3_KEY@@ @@HOST@@\n", template="text")
    document = marked(marks, {
        "services": {"a": {"environment": {"DB_PASSWORD": "${DB_PASSWORD}", "K_KEY": "${S3_KEY}"}}}
    })  # fmt: skip
    today = Today(marks, {"DB_PASSWORD": "same-one", "S3_KEY": "same-one"})
    done = follow_secrets(Project(document, today, {"a.conf": file}, str, Rules("generate")))
    assert done.files["a.conf"].read() == b"key @@DB_PASSWORD@@ @@HOST@@\n"


def test_names_that_the_site_has_for_itself_are_not_used() -> None:
    done = follow("services: {a: {environment: {DOCKER_PASSWORD: hunter22}}}")
    assert done.names == ["A_DOCKER_PASSWORD"]


def test_a_variable_of_the_profile_names_its_group() -> None:
    declared = {"S3_KEY": SiteVariable(name="S3_KEY", kind="secret", generator="hex:8")}
    done = follow(
        "services: {a: {environment: {DB_PASSWORD: '${DB_PASSWORD}', K_KEY: '${S3_KEY}'}}}",
        {"DB_PASSWORD": "same-one", "S3_KEY": "same-one"},
        rules=Rules("generate", declared=declared),
    )
    assert done.environment("a") == {"DB_PASSWORD": "${S3_KEY}", "K_KEY": "${S3_KEY}"}
    assert done.followed.variables["S3_KEY"].generator == "hex:8"


def test_a_text_that_would_become_a_template_by_chance_is_refused() -> None:
    done = follow(
        "services: {web: {environment: {DB_PASSWORD: hunter22}}}",
        files={"a.txt": "password=hunter22 @@HOST@@\n"},
    )
    assert "would become a site value" in done.problems[0]


# ---------------------------------------------------------------- secrets of services that do not have them


def of(server: str, client: str) -> Result:
    """Return what becomes of a service `mq`, which may mount a file with its password, and its client `w`."""
    files = {"mq/mq.conf": "pass = guest\n"} if "./mq" in server else {}
    return follow(f"services: {{mq: {server}, w: {{environment: {client}}}}}", files=files)


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("{image: 'rabbitmq:3'}", "{BROKER: 'amqp://guest:guest@mq//'}"),
        ("{image: 'rabbitmq:3'}", "{BROKER: '${BROKER:-amqp://guest:guest@mq//}'}"),
        ("{container_name: store}", "{S3_SECRET_KEY: minioadmin, S3_ENDPOINT: 'http://store:9000'}"),
        ("{image: 'elastic:8'}", "{ES_PASSWORD: changeme, ES_HOSTS: '[\"http://mq:9200\"]'}"),
        ("{image: 'x:1'}", "{DSN: 'Host=mq;Username=a;Password=guest'}"),
        (
            "{environment: {POSTGRES_USER: postgres, POSTGRES_PASSWORD: other-one}}",
            "{URL: 'postgres://postgres:postgres@mq/x'}",
        ),
        ("{healthcheck: {test: [CMD, redis-cli, -a, hunter22]}}", "{DB_PASSWORD: hunter22, DB_HOST: mq}"),
        ("{image: 'x:1'}", "{A: 'redis://:hunter22@mq', B: 'redis://:hunter22@mq/1'}"),
    ],
)
def test_a_secret_that_only_clients_have_is_for_the_user_to_decide(server: str, client: str) -> None:
    done = of(server, client)
    (problem,) = done.followed.problems
    assert "is for the service mq, which does not get it" in problem.message
    assert list(problem.choices) == ["carry", "ask", "generate", "public"]
    assert problem.where.startswith("services.w.environment.")


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("{environment: {RABBITMQ_DEFAULT_PASS: guest}}", "{BROKER: 'amqp://guest:guest@mq//'}"),
        ("{command: redis-server --requirepass hunter22}", "{URL: 'redis://:hunter22@mq'}"),
        ("{entrypoint: [sh, -c, 'x --pw hunter22']}", "{DB_PASSWORD: hunter22, DB_HOST: mq}"),
        (
            "{volumes: [{type: bind, source: ./mq, target: /etc/mq}]}",
            "{BROKER: 'amqp://guest:guest@mq//'}",
        ),
        ("{image: 'x:1'}", "{API_SECRET: hunter22, WEB_HOST: mq}"),
        ("{image: 'x:1'}", "{SECRET_KEY: hunter22, HOST: mq}"),
        ("{environment: {UPSTREAM: 'y:6379'}}, y: {command: [redis, --requirepass, hunter22]}",
         "{URL: 'redis://:hunter22@mq'}"),
    ],
)  # fmt: skip
def test_a_secret_that_its_service_has_too_is_generated(server: str, client: str) -> None:
    assert of(server, client).problems == []


@pytest.mark.parametrize("section", ["configs", "secrets"])
def test_a_service_may_have_its_password_in_a_config_or_secret(section: str) -> None:
    document = (
        "services: {{mq: {{{section}: [{{source: a}}]}}, w: {{environment: {{URL: 'amqp://u:hunter22@{host}'}}}}}}\n"
        "{section}: {{a: {{file: ./a.txt}}}}"
    )
    files = {"a.txt": "password = hunter22\n"}
    assert follow(document.format(section=section, host="mq"), files=files).problems == []


def test_a_secret_in_a_file_is_for_the_host_beside_the_variable_that_names_the_file() -> None:
    document = (
        "services: {db: {}, w: {secrets: [{source: a}],"
        " environment: {DB_HOST: db, DB_PASSWORD_FILE: /run/secrets/a}}}\nsecrets: {a: {file: ./a.txt}}"
    )
    (problem,) = follow(document, files={"a.txt": "hunter22\n"}).problems
    assert "A is for the service db" in problem


def test_what_is_decided_about_a_secret_of_clients_holds() -> None:
    document = "services: {mq: {}, w: {environment: {BROKER: 'amqp://guest:guest@mq//'}}}"
    carried = follow(document, rules=Rules("generate", decisions={"BROKER_PASSWORD": "carry"}))
    assert (carried.problems, carried.environment("w")["BROKER"]) == ([], "amqp://guest:guest@mq//")
    for decision in ("ask", "generate"):
        done = follow(document, rules=Rules("generate", decisions={"BROKER_PASSWORD": decision}))
        assert (done.problems, done.followed.variables["BROKER_PASSWORD"].required) == ([], decision == "ask")


def test_a_group_has_not_the_name_that_another_service_takes_from_the_environment() -> None:
    result = follow("""
services:
  web:
    environment: {API_TOKEN: q1w2e3r4t5y6, DB_SECRET: a1s2d3f4g5h6}
  job:
    environment: {API_TOKEN: }
secrets:
  db: {environment: DB_SECRET}
""")
    assert result.environment("job") == {"API_TOKEN": None}
    assert sorted(result.names) == ["WEB_API_TOKEN", "WEB_DB_SECRET"]

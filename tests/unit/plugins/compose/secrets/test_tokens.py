"""Secrets of a Compose file by their form, in commands, under unusual names, and in unusual places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bundler_compose.secrets.commands import short_options
from bundler_compose.secrets.follow import Followed, follow_secrets
from bundler_compose.secrets.layout import Today
from bundler_compose.secrets.names import is_secret_name, variable_name
from bundler_compose.secrets.positions import find_spans
from bundler_compose.secrets.project import Project, Rules
from bundler_compose.site_text import Marks

BODY = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2"
RANDOM = "Ab1Cd2Ef3Gh4Ij5Kl6"


def follow(document: dict[str, Any]) -> Followed:
    return follow_secrets(
        Project(document, Today(Marks(), {}), {}, lambda keys: ".".join(map(str, keys)), Rules("generate"))
    )


def values(document: dict[str, Any]) -> list[str]:
    return [group.value for group in follow(document).groups]


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("ghp_" + BODY, "GITHUB_TOKEN"),
        ("github_pat_" + BODY, "GITHUB_TOKEN"),
        ("glpat-" + BODY[:20], "GITLAB_TOKEN"),
        ("sk_live_" + BODY, "STRIPE_KEY"),
        ("rk_live_" + BODY, "STRIPE_KEY"),
        ("sk-proj-" + BODY, "OPENAI_API_KEY"),
        ("sk-ant-" + BODY, "ANTHROPIC_API_KEY"),
        ("xoxb-" + BODY, "SLACK_TOKEN"),
        ("AKIA" + "ABCDEFGH23456789", "AWS_ACCESS_KEY_ID"),
        ("npm_" + BODY, "NPM_TOKEN"),
        (f"ghs_123456_{BODY}.{BODY}.{BODY}-x", "GITHUB_TOKEN"),
        (f"glpat-{BODY}.01.0w1ab2cd3", "GITLAB_TOKEN"),
        ("glrt-t1_" + BODY, "GITLAB_TOKEN"),
        (f"glagent-{BODY}-{BODY[:13]}", "GITLAB_TOKEN"),
        ("glsoat-" + BODY[:20], "GITLAB_TOKEN"),
        ("GR1348941" + BODY[:20], "GITLAB_TOKEN"),
        (f"sk-{BODY[:20]}T3BlbkFJ{BODY[:20]}", "OPENAI_API_KEY"),
        ("sk-or-v1-" + "0a1b2c3d" * 8, "OPENROUTER_API_KEY"),
        (f"gsk_{BODY}{BODY[:16]}", "GROQ_API_KEY"),
        ("xai-" + BODY + BODY + BODY[:8], "XAI_API_KEY"),
        ("api_org_" + BODY[:34], "HUGGINGFACE_TOKEN"),
        (f"xapp-1-A0123456789-{BODY}", "SLACK_TOKEN"),
        (f"12345678:A{BODY[:34]}", "TELEGRAM_TOKEN"),
        ("ABIA" + "ABCDEFGH23456789", "AWS_ACCESS_KEY_ID"),
        ("ABSK" + BODY * 3 + BODY[:2] + "=", "AWS_BEDROCK_API_KEY"),
        ("LTAI" + BODY[:20], "ALIBABA_ACCESS_KEY_ID"),
        ("dapi" + "0a1b2c3d" * 4 + "-3", "DATABRICKS_TOKEN"),
        (f"SG.{BODY[:22]}.{BODY}-{BODY[:6]}", "SENDGRID_API_KEY"),
        ("pypi-AgENdGVzdC5weXBpLm9yZw" + BODY, "PYPI_TOKEN"),
        ("dckr_oat_" + BODY[:32], "WEB_DOCKER_TOKEN"),
        (f"hvs.{BODY}-{BODY}-{BODY[:20]}", "VAULT_TOKEN"),
        (f"{BODY[:14]}.atlasv1.{BODY}{BODY[:31]}", "TERRAFORM_TOKEN"),
        (f"glsa_{BODY[:32]}_0a1b2c3d", "GRAFANA_TOKEN"),
        ("sntryu_" + "0a1b2c3d" * 8, "SENTRY_AUTH_TOKEN"),
        (f"tskey-auth-{BODY[:17]}-{BODY}", "TAILSCALE_AUTH_KEY"),
        ("shpat_" + "0a1b2c3d" * 4, "SHOPIFY_TOKEN"),
        ("AGE-SECRET-KEY-1" + "QPZRY9X8GF" * 5 + "QPZRY9X8", "AGE_KEY"),
    ],
)
def test_a_known_token_is_found_under_any_name(token: str, name: str) -> None:
    done = follow({"services": {"web": {"environment": {"ANY": f"x {token},y"}}}})
    assert [(group.name, group.value) for group in done.groups] == [(name, token)]
    assert "outside the project" in done.problems[0].message
    assert "generate" not in done.problems[0].choices


@pytest.mark.parametrize("host", ["hooks.slack.com/services/T012/B012", "discord.com/api/webhooks/12345678"])
def test_the_address_of_a_webhook_has_a_secret(host: str) -> None:
    assert values({"services": {"web": {"labels": {"a": f"https://{host}/{BODY}"}}}}) == [BODY]


def test_an_example_of_a_token_is_none() -> None:
    assert not values({"services": {"web": {"environment": {"ANY": "ghp_" + "x" * 36}}}})


@pytest.mark.parametrize(
    "name",
    ["DB_CRED", "APPKEY", "FERNET", "ENCRYPTION_KEY", "密码", "DB_CONTRASEÑA", "CONTRASENA", "PASSWORT"],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert variable_name(name).isidentifier()


@pytest.mark.parametrize("name", ["SIGNING", "SESSION_COOKIE", "OTP_SEED", "ENCRYPTION"])
def test_a_random_value_is_a_secret_under_a_suggestive_name(name: str) -> None:
    assert values({"services": {"web": {"environment": {name: RANDOM}}}}) == [RANDOM]
    assert not values({"services": {"web": {"environment": {name: "aes-256"}}}})


@pytest.mark.parametrize(
    "service",
    [
        {"x-own": {"password": "ab1"}},
        {"x-password": "ab1"},
        {"deploy": {"x-own": {"password": "ab1"}}},
        {"networks": {"lan": {"driver_opts": {"password": "ab1"}}, "other": None}},
        {"annotations": {"secret.x": "ab1"}},
    ],
)
def test_places(service: dict[str, Any]) -> None:
    assert values({"services": {"web": service}}) == ["ab1"]


@pytest.mark.parametrize(
    "command",
    [
        "sshpass -p ab1 ssh a@b",
        "sshpass -pab1 ssh a@b",
        "docker login -pab1 -u a r.example",
        "docker login -u a -p ab1 r.example",
        "keytool -list -storepass ab1",
        "htpasswd -bc /f user ab1",
        "htpasswd -nbB user ab1",
        "openssl enc -aes256 -k ab1 -in x",
        "openssl enc -pass pass:ab1 -in x",
        "echo user:ab1 | chpasswd",
        'echo "user:ab1" | chpasswd',
        "start --user a:ab1 --x",
        "wget --password ab1 http://x",
        'wget --header="X-Api-Key: ab1" http://x',
    ],
)
def test_commands(command: str) -> None:
    assert [span.value for span in find_spans("", command)] == ["ab1"]


def test_a_command_with_two_secrets() -> None:
    text = "sh -c 'wget --password a-1 --header=\"X-Api-Key: b-2\" http://x'"
    assert [span.value for span in find_spans("", text)] == ["a-1", "b-2"]


def test_a_user_and_a_group_are_no_secret() -> None:
    assert not find_spans("", "run --user 1000:1000 --user app:app --user app:staff")


def test_arguments() -> None:
    arguments = ["sshpass", "-p", "ab1", "ssh"]
    assert [(index, span.value) for index, span in short_options(arguments)] == [(2, "ab1")]


LOGINS = '{"auths": {"r.example": {"auth": "dXNlcjpwYXNz"}}}'
SCRIPT = ["sh", "-c", "printf '%s' " + json.dumps(LOGINS) + " > /root/.docker/config.json"]
BASIC = "Authorization: Basic dXNlcjpwYXNz"


@pytest.mark.parametrize(
    "document",
    [
        {"services": {"web": {"environment": {"ANY": LOGINS}}}},
        {"services": {"web": {"command": SCRIPT}}},
        {
            "services": {
                "web": {"entrypoint": ["sh", "-c", "echo 'a:$apr1$H6uskkkW$IgXLP6ewTrSuBk' > /etc/p"]}
            }
        },
        {"services": {"web": {"healthcheck": {"test": ["CMD", "curl", "-H", BASIC]}}}},
        {"services": {"web": {"post_start": [{"command": ["curl", "-H", BASIC]}]}}},
        {"configs": {"own": {"content": LOGINS}}},
        {"configs": {"own": {"content": BASIC}}},
        {"configs": {"own": {"content": "a\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n"}}},
    ],
)
def test_what_only_another_place_can_make_is_found_in_commands_and_contents(document: dict[str, Any]) -> None:
    (problem,) = follow(document).problems
    assert "carry" in problem.choices
    assert "generate" not in problem.choices


@pytest.mark.parametrize("label", ["own_content", "OWN_CONTENT"])
def test_a_content_that_is_carried_has_no_password_of_the_project(label: str) -> None:
    content = f"postgres://u:{RANDOM}@db/x\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n"
    document = {
        "services": {"db": {"environment": {"DB_PASSWORD": RANDOM}}},
        "configs": {"own": {"content": content}},
    }
    rules = Rules("generate", {label: "carry"})
    project = Project(document, Today(Marks(), {}), {}, lambda keys: ".".join(map(str, keys)), rules)
    followed = follow_secrets(project)
    assert not followed.problems
    assert RANDOM not in json.dumps(followed.document)
    assert "PRIVATE KEY" in json.dumps(followed.document)

"""Tokens that are known by their form, whatever the name is under which they stand.

Sources: the pages of the issuers on the formats of their tokens: GitHub "About authentication to GitHub",
GitLab "Token prefixes", Stripe "API keys", Slack "Token types" and "Incoming webhooks", Discord "Webhook
resource", npm "About access tokens", AWS "IAM identifiers"; and GitHub "Supported secret scanning patterns".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundler_compose.secrets.span import Span

_FORMS: Final = {
    "GITHUB_TOKEN": r"gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255}",
    "GITLAB_TOKEN": r"gl(?:pat|dt|rt|ptt|cbt|ft|oas)-[\w-]{20,255}",
    "STRIPE_KEY": r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/]{24,255}",
    "OPENAI_API_KEY": r"sk-(?:proj|svcacct|admin|or-v1)-[\w-]{16,255}",
    "ANTHROPIC_API_KEY": r"sk-ant-[\w-]{16,255}",
    "SLACK_TOKEN": r"xox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}|xapp-\d-[\w-]{10,255}",
    "AWS_ACCESS_KEY_ID": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "GOOGLE_API_KEY": r"AIza[\w-]{35}",
    "SENDGRID_API_KEY": r"SG\.[\w-]{16,64}\.[\w-]{16,64}",
    "NPM_TOKEN": r"npm_[A-Za-z0-9]{30,64}",
    "PYPI_TOKEN": r"pypi-AgEI[\w-]{30,512}",
    "DOCKER_TOKEN": r"dckr_(?:pat|oat)_[\w-]{20,64}",
    "HUGGINGFACE_TOKEN": r"hf_[A-Za-z0-9]{30,64}",
    "DIGITALOCEAN_TOKEN": r"do[opr]_v1_[0-9a-f]{64}",
    "TELEGRAM_TOKEN": r"\d{8,10}:AA[\w-]{33}",
    "AGE_KEY": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
}
_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    + "|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items())
    + r")(?![\w-])"
)
_WEBHOOK: Final = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/(?:\w{1,99}/){1,4}(?P<SLACK_WEBHOOK>\w{16,99})"
    r"|(?:\w{1,20}\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{1,30}/(?P<DISCORD_WEBHOOK>[\w-]{20,99}))"
)
_VARIETY: Final = 6
"""A token of fewer different characters, such as `ghp_xxxx`, is an example."""


def find_tokens(text: str) -> Iterator[Span]:
    """Yield the tokens in a text, each with a name; of an address, the part that only its owner knows."""
    for pattern in (_TOKEN, _WEBHOOK):
        for found in pattern.finditer(text):
            name = found.lastgroup or ""
            value = found[name]
            if len(set(value[-16:])) >= _VARIETY:
                yield Span(*found.span(name), value, name)


def is_token(value: str) -> bool:
    """Return whether a value has a token."""
    return next(find_tokens(value), None) is not None

"""Tokens that are known by their form, whatever the name is under which they stand.

Sources: the rules of gitleaks (config/gitleaks.toml, commit b58d3f102cf3) and the detectors of TruffleHog
(pkg/detectors, commit 3ab759fef4bb): a form here takes what either of them takes. Also: the table "Token
prefixes" of GitLab (gitlabhq, doc/security/tokens/_index.md, commit 017a6c129d6a); GitHub's changelog of
2026-04-24, "Notice about upcoming new format for GitHub App installation tokens" (`ghs_APPID_JWT`). A token
of PyPI is a macaroon that begins with its host: `AgEI` with the 8 characters of pypi.org, `AgEN` with the 13
of test.pypi.org. `whsec_` and the addresses of Discord with a version are in neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundler_compose.secrets.span import Span

_FORMS: Final = {
    "GITHUB_TOKEN": r"gh[pousr]_\w{20,1024}(?:\.[\w-]{10,1024}){0,2}|github_pat_\w{22,255}",
    "GITLAB_TOKEN": r"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w=-]{20,300}"
    r"(?:\.[0-9a-z]{2,9}){0,2}|GR1348941[\w-]{20}",
    "STRIPE_KEY": r"[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9+/]{24,255}",
    "OPENAI_API_KEY": r"sk-(?:proj|svcacct|service|admin)-[\w-]{16,255}"
    r"|sk-[A-Za-z0-9]{16,64}T3BlbkFJ[\w-]{16,255}",
    "OPENROUTER_API_KEY": r"sk-or-v1-[\w-]{16,255}",
    "ANTHROPIC_API_KEY": r"sk-ant-[\w-]{16,255}",
    "GROQ_API_KEY": r"gsk_[A-Za-z0-9]{52}",
    "XAI_API_KEY": r"xai-\w{80}",
    "PERPLEXITY_API_KEY": r"pplx-[A-Za-z0-9]{48}",
    "NVIDIA_API_KEY": r"nvapi-[\w-]{64}",
    "REPLICATE_API_TOKEN": r"r8_[\w-]{37}",
    "LANGSMITH_API_KEY": r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    "HUGGINGFACE_TOKEN": r"(?:hf|api_org)_[A-Za-z0-9]{30,64}",
    "SLACK_TOKEN": r"xox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}|xapp-\d-[\w-]{10,255}",
    "TELEGRAM_TOKEN": r"\d{8,10}:A[\w-]{34}",
    "AWS_ACCESS_KEY_ID": r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    "AWS_BEDROCK_API_KEY": r"ABSK[A-Za-z0-9+/]{109,269}={0,2}",
    "ALIBABA_ACCESS_KEY_ID": r"LTAI[A-Za-z0-9]{20}",
    "GOOGLE_API_KEY": r"AIza[\w-]{35}",
    "DIGITALOCEAN_TOKEN": r"do[opr]_v1_[0-9a-f]{64}",
    "DATABRICKS_TOKEN": r"dapi[0-9a-f]{32}(?:-\d)?",
    "SENDGRID_API_KEY": r"SG\.[\w=-]{16,64}\.[\w=-]{16,64}",
    "BREVO_API_KEY": r"xkeysib-[\w-]{81}",
    "NPM_TOKEN": r"npm_[A-Za-z0-9]{30,64}",
    "PYPI_TOKEN": r"pypi-AgE[IN][\w-]{30,1000}",
    "RUBYGEMS_API_KEY": r"rubygems_[A-Za-z0-9]{48}",
    "DOCKER_TOKEN": r"dckr_(?:pat|oat)_[\w-]{20,64}",
    "VAULT_TOKEN": r"hv[sb]\.[\w-]{90,300}",
    "TERRAFORM_TOKEN": r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}",
    "PULUMI_ACCESS_TOKEN": r"pul-[0-9a-z]{40}",
    "DOPPLER_TOKEN": r"dp\.(?:ct|pt|st(?:\.[a-z0-9_-]{2,35})?|sa|scim|audit)\.[A-Za-z0-9]{40,44}",
    "OP_SERVICE_ACCOUNT_TOKEN": r"ops_eyJ[A-Za-z0-9+/]{250,1024}={0,3}",
    "GRAFANA_TOKEN": r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}",
    "SENTRY_AUTH_TOKEN": r"sntryu_[0-9a-f]{64}|sntrys_eyJ[\w+/=]{100,500}",
    "NEW_RELIC_API_KEY": r"NRAK-[A-Z0-9]{27}",
    "TAILSCALE_AUTH_KEY": r"tskey-[a-z]{1,20}-[A-Za-z0-9]{4,64}-[A-Za-z0-9]{8,128}",
    "LINEAR_API_KEY": r"lin_api_[A-Za-z0-9]{40}",
    "NOTION_TOKEN": r"ntn_\d{11}[A-Za-z0-9]{35}",
    "POSTMAN_API_KEY": r"PMAK-[A-Za-z0-9]{24}-[A-Za-z0-9]{34}",
    "SHOPIFY_TOKEN": r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}",
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

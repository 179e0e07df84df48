"""Lists of words in names and values that tell secrets from others."""

from __future__ import annotations

from typing import Final

_NOT_LAST_TEXT: Final = """
ACCEPT AGE ALGO ALGORITHM ALLOW AUDIENCE BYTES CHARS CHECK CLASS CONTENT COUNT COST DAYS DIR
DIRECTORY DISABLED DRIVER ENABLE ENABLED ENDPOINT EXP EXPIRATION EXPIRE EXPIRED EXPIRES EXPIRY FIELD
FILE FORMAT GRACE HEADER HOST HOURS ID IDS INTERVAL ISSUER LENGTH LEN LIFETIME LIMIT MAX METHOD MIN
MINUTES MODE NAME NAMES ONLY PATH PATTERN PERIOD POLICY PORT PREFIX PROVIDER REGEX REQUIRED RESET
ROTATION ROUNDS RULES SECONDS SIZE STORE STRATEGY STRENGTH SUFFIX SUPPORT TIME TIMEOUT TTL TYPE URI
URL USER USERNAME VALIDITY VERSION BACKEND ENGINE CONFIG REFRESH LOGIN POLL SCOPE SCOPES HOSTNAME
LANGUAGE LANG LOCALE EMAIL DOMAIN SERVER ADDRESS LEVEL TITLE TEXT LABEL HINT DESCRIPTION MESSAGE
COOKIE
"""
NOT_LAST: Final = frozenset(_NOT_LAST_TEXT.split())
"""Last words of names that say that the value is something else: a file, a length, a time, an address."""

_KEY_OF_TEXT: Final = """
SORT CACHE PRIMARY FOREIGN PARTITION ROUTING SITE PUBLIC PUB PUBLISHABLE INDEX OBJECT GROUP HOT HOST
CERT TLS SSL KNOWN SEARCH SHARD CONFIG REGISTRY
"""
KEY_OF: Final = frozenset(_KEY_OF_TEXT.split())
"""Words before KEY that say that the key is no secret."""

_SWITCHES_TEXT: Final = """
ALLOW NO DISABLE ENABLE REQUIRE USE SKIP FORCE IGNORE RANDOM SHOW IS HAS
"""
SWITCHES: Final = frozenset(_SWITCHES_TEXT.split())
"""First words of names of switches."""

_PLAIN_TEXT: Final = """
USER USERNAME LOGIN HOST HOSTNAME DB DATABASE NAME DBNAME TYPE DRIVER ENGINE DIALECT ADAPTER BACKEND
CLIENT CONNECTION PROVIDER PORT SCHEMA VHOST ROLE OWNER EMAIL MAIL REALM ORG BUCKET DOMAIN SERVER
ADDRESS ADDR MODE LEVEL ENV ENVIRONMENT VERSION TZ LANG LOCALE KIND VENDOR SERVICE PLATFORM PREFIX
NAMESPACE INDEX TABLE QUEUE TOPIC GROUP PROJECT TENANT CLUSTER NODE INSTANCE ID UID GID FLAVOR
PROFILE DATASOURCE PATH DIR TITLE
"""
PLAIN: Final = frozenset(_PLAIN_TEXT.split())
"""Last words of names of users, hosts, databases and the like."""

_OUTSIDE_TEXT: Final = """
SMTP MAIL MAILER EMAIL MAILGUN SENDGRID POSTMARK LDAP BIND AWS S3 GITHUB GITLAB GOOGLE GCP AZURE
MICROSOFT FACEBOOK TWITTER SLACK DISCORD TELEGRAM STRIPE PAYPAL TWILIO OPENAI ANTHROPIC HUGGINGFACE
HF CLOUDFLARE CF DUCKDNS DDNS DNS VPN WIREGUARD OPENVPN TAILSCALE TS PLEX OAUTH OAUTH2 OIDC SAML
PROXY SENTRY NGROK RECAPTCHA TURNSTILE HCAPTCHA LICENSE LICENCE BOT SMS PUSH WEBHOOK DOCKERHUB GHCR
NPM PYPI TRAKT TMDB SPOTIFY MAXMIND GEOIP CLAIM TUNNEL DUO MAPBOX SOUNDCLOUD
"""
OUTSIDE: Final = frozenset(_OUTSIDE_TEXT.split())
"""Words of services that projects use and do not have."""

_COMMON_TEXT: Final = """
password passw0rd postgres postgresql mysql mariadb mongodb mongo redis rabbitmq guest admin
administrator root user username example changeme change_me default secret test testing database
localhost wordpress nextcloud production development staging prometheus grafana minio minioadmin
keycloak gitlab jenkins nginx traefik elastic elasticsearch kibana clickhouse influxdb telegraf
django flask supabase service application
"""
COMMON: Final = frozenset(_COMMON_TEXT.split())
"""Words that are used as passwords, and also in many other places."""

_SOURCE_TEXT: Final = """
.py .js .mjs .cjs .ts .tsx .jsx .go .rs .java .rb .php .c .h .cc .cpp .cs .lua .md .rst .css .scss
.html .htm .svg .map .vue .svelte .po .pot .lock .sum .woff .ics
"""
SOURCE: Final = frozenset(_SOURCE_TEXT.split())
"""Suffixes of programs and pages, in which `token = next(...)` is no secret."""
_CODE_TEXT: Final = ".py .js .mjs .cjs .ts .tsx .jsx .go .rs .java .rb .php .cs .lua .pl"
CODE: Final = frozenset(_CODE_TEXT.split())
"""Suffixes of programs, in which a text in quotes that is given to the name of a secret is one."""
LOCKS: Final = frozenset(
    {"package-lock.json", "package.json", "pnpm-lock.yaml", "composer.lock", "deno.json"}
)
"""Files of package managers, which name packages such as `js-tokens`, with versions and digests."""

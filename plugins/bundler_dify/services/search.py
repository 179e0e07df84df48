"""Elasticsearch, OpenSearch and MySQL, which no profile uses by default."""

from __future__ import annotations

from bundler_dify.parts import CORE, DROP_ROOT, Service, check, drop_all, drop_unused
from bundler_dify.releases import Images
from bundler_dify.settings.model import DifySettings
from bundler_dify.vector_stores import STRONG

STOP_SEARCH = "120s"
_HEAP = "-Xms1g -Xmx1g"


def _answering(url: str, user: str, password: str) -> Service:
    """Return a health check that sends the password without putting it on a command line."""
    asked = f"curl -fsSk -m 4 -o /dev/null -K - '{url}'"
    return check(
        f"printf 'user = \"{user}:%s\"' \"$${password}\" | {asked}",
        interval="15s", timeout="10s", retries=12, start="180s",
    )  # fmt: skip


def elasticsearch(images: Images) -> Service:
    """Return a node of Elasticsearch: Dify's docker/docker-compose.yaml, elasticsearch, without Kibana."""
    return {
        "image": images.elasticsearch,
        "environment": {
            "ELASTIC_PASSWORD": "${ELASTICSEARCH_PASSWORD}",
            "ES_JAVA_OPTS": _HEAP,
            "cluster.name": "dify",
            "node.name": "node1",
            "discovery.type": "single-node",
            "xpack.license.self_generated.type": "basic",
            "xpack.security.enabled": "true",
            "xpack.security.enrollment.enabled": "false",
            "xpack.security.http.ssl.enabled": "false",
            # Otherwise it downloads databases from the internet.
            "ingest.geoip.downloader.enabled": "false",
        },
        "volumes": ["${BUNDLE_DATA}/elasticsearch:/usr/share/elasticsearch/data"],
        "networks": [CORE],
        "healthcheck": _answering(
            "http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=3s",
            "elastic",
            "ELASTIC_PASSWORD",
        ),
        "stop_grace_period": STOP_SEARCH,
        **drop_unused(),
    }


def opensearch(images: Images) -> Service:
    """Return a node of OpenSearch: Dify's docker/docker-compose.yaml, opensearch, without its dashboards."""
    return {
        "image": images.opensearch,
        "environment": {
            "discovery.type": "single-node",
            "OPENSEARCH_JAVA_OPTS": _HEAP,
            "OPENSEARCH_INITIAL_ADMIN_PASSWORD": f"{STRONG}${{OPENSEARCH_PASSWORD}}",
        },
        "volumes": ["${BUNDLE_DATA}/opensearch:/usr/share/opensearch/data"],
        "networks": [CORE],
        "healthcheck": _answering(
            "https://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=3s",
            "admin",
            "OPENSEARCH_INITIAL_ADMIN_PASSWORD",
        ),
        "stop_grace_period": STOP_SEARCH,
        **drop_unused(),
    }


def mysql(settings: DifySettings, images: Images) -> Service:
    """Return MySQL: Dify's docker/docker-compose.yaml, db_mysql, with durable commits, MySQL's default."""
    values = {
        "max_connections": str(settings.database.max_connections),
        "innodb_buffer_pool_size": str(settings.database.shared_buffers),
        "character-set-server": "utf8mb4",
    }
    return {
        "image": images.mysql,
        "command": ["mysqld", *(f"--{name}={value}" for name, value in values.items())],
        "environment": {"MYSQL_ROOT_PASSWORD": "${DB_PASSWORD}", "MYSQL_DATABASE": "dify"},
        "volumes": ["${BUNDLE_DATA}/mysql/data:/var/lib/mysql"],
        "networks": [CORE],
        # Over TCP: while the first start prepares the database, it listens only on a socket.
        "healthcheck": check(
            'MYSQL_PWD="$$MYSQL_ROOT_PASSWORD" mysqladmin ping -h 127.0.0.1 -u root --silent',
            interval="5s",
            retries=24,
            start="120s",
        ),
        "stop_grace_period": STOP_SEARCH,
        **drop_all(*DROP_ROOT, "SYS_NICE"),
    }

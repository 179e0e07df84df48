"""Vector stores with the REST API of Weaviate or Qdrant: collections, points, nearest neighbour."""

from __future__ import annotations

import hmac
import json
import math
import re
import threading
from collections.abc import Mapping
from typing import Any

from standin.peers import need

Reply = tuple[int, object]
_lock = threading.Lock()
_known: dict[str, dict[str, list[float]]] = {}
"""Collection -> point -> vector."""


def answer(program: str, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Reply | None:
    """Return status and JSON, or None if the request is not for collections; header names in lower case."""
    if program == "weaviate" and path.startswith(("/v1/schema", "/v1/objects", "/v1/graphql")):
        key, wanted = headers.get("authorization", ""), "Bearer " + need("AUTHENTICATION_APIKEY_ALLOWED_KEYS")
        store = _weaviate
    elif program == "qdrant" and path.startswith("/collections"):
        key, wanted = headers.get("api-key", ""), need("QDRANT__SERVICE__API_KEY")
        store = _qdrant
    else:
        return None
    if not hmac.compare_digest(key, wanted):
        return 401, {"message": "wrong key"}
    body = json.loads(content) if content else {}
    with _lock:
        return store(method, path, body)


def _nearest(collection: str, vector: list[float]) -> list[str]:
    """Return the point with the greatest cosine similarity, as a list of at most one."""
    points = _known[collection]

    def distance(point: str) -> float:
        product = sum(a * b for a, b in zip(points[point], vector, strict=True))
        return -product / (math.hypot(*points[point]) * math.hypot(*vector))

    return sorted(points, key=distance)[:1]


def _weaviate(method: str, path: str, body: dict[str, Any]) -> Reply | None:
    """Weaviate's OpenAPI paths: /schema, /objects, /graphql; class names begin with a capital letter."""
    match method, path.split("/")[2:]:
        case "GET", ["schema"]:
            return 200, {"classes": [{"class": name} for name in _known]}
        case "POST", ["schema"]:
            good = re.fullmatch("[A-Z][A-Za-z0-9_]*", body["class"]) and body["class"] not in _known
            if good:
                _known[body["class"]] = {}
            return 200 if good else 422, body
        case "DELETE", ["schema", name]:
            _known.pop(name, None)
            return 200, None
        case "POST", ["objects"]:
            _known[body["class"]][body["id"]] = body["vector"]
            return 200, body
        case "POST", ["graphql"]:
            return _query(body["query"])
    return None


def _query(text: str) -> Reply:
    """Answer the only supported query: the nearest object of a class."""
    found = re.fullmatch(
        r"\{Get\{(\w+)\(nearVector:\{vector:(\[.*\])\},limit:1\)\{_additional\{id\}\}\}\}", text
    )
    if found is None or found[1] not in _known:
        return 200, {"data": {"Get": None}, "errors": [{"message": "cannot query"}]}
    near = _nearest(found[1], json.loads(found[2]))
    return 200, {"data": {"Get": {found[1]: [{"_additional": {"id": one}} for one in near]}}}


def _qdrant(method: str, path: str, body: dict[str, Any]) -> Reply | None:
    """Qdrant's OpenAPI paths: /collections, their points, and search."""
    match method, path.split("/")[2:]:
        case "GET", []:
            return 200, {"result": {"collections": [{"name": name} for name in _known]}, "status": "ok"}
        case "PUT", [name]:
            if name in _known or body["vectors"]["distance"] != "Cosine":
                return 409, {"status": {"error": f"collection {name} exists, or another distance"}}
            _known[name] = {}
        case "DELETE", [name]:
            _known.pop(name, None)
        case _, [name, *_] if name not in _known:
            return 404, {"status": {"error": f"collection {name} does not exist"}}
        case "PUT", [name, "points"]:
            _known[name] |= {str(point["id"]): point["vector"] for point in body["points"]}
        case "POST", [name, "points", "search"]:
            near = _nearest(name, body["vector"])
            return 200, {"result": [{"id": int(one), "score": 1.0} for one in near], "status": "ok"}
        case _:
            return None
    return 200, {"result": True, "status": "ok"}

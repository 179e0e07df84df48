"""The format of a template is detected from its name, or otherwise from its first line."""

from __future__ import annotations

import pytest

from bundler.api.templates.formats import guess_format


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("app.yaml", b"", "yaml"),
        ("APP.YML", b"", "yaml"),
        (".env", b"", "env"),
        ("conf/.env.production", b"", "env"),
        ("site.env", b"", "env"),
        ("nginx.conf", b"", "nginx"),
        ("nginx/conf.d/site.conf", b"", "nginx"),
        ("redis/redis.conf", b"", "text"),
        ("start", b"#!/bin/sh\n", "shell"),
        ("start", b"#! /usr/bin/env bash\n", "shell"),
        ("start", b"#!/usr/bin/python3\n", "text"),
        ("notes", b"", "text"),
    ],
)
def test_the_format_of_a_file(path: str, content: bytes, expected: str) -> None:
    assert guess_format(path, content) == expected

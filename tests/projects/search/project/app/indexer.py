"""Puts each line of the logs into the index."""

import pathlib
import sqlite3
import time

index = sqlite3.connect("/index/index.db")
index.execute("CREATE VIRTUAL TABLE IF NOT EXISTS lines USING fts5(line)")
index.execute("CREATE TABLE IF NOT EXISTS read (at INTEGER)")
while True:
    (at,) = index.execute("SELECT coalesce(max(at), 0) FROM read").fetchone()
    logs = pathlib.Path("/logs/all")
    text = logs.read_bytes()[at:] if logs.exists() else b""
    for line in text.splitlines():
        index.execute("INSERT INTO lines VALUES (?)", (line.decode(),))
    if text:
        index.execute("INSERT INTO read VALUES (?)", (at + len(text),))
    index.commit()
    time.sleep(0.3)

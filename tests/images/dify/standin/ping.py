"""`celery ... inspect ping [-d NAME]`: whether a worker, or that one, answers by way of the broker."""

from __future__ import annotations

import sys

from standin.peers import by_url

arguments = sys.argv[1:]
wanted = arguments[arguments.index("-d") + 1] if "-d" in arguments else "*"
if not by_url("CELERY_BROKER_URL").keys(f"standin:worker:{wanted}"):
    sys.exit(69)  # as Celery does
sys.stdout.write("pong\n")

"""`celery ... inspect ping [-d NAME]`: report whether any worker, or the named one, is alive."""

from __future__ import annotations

import sys

from standin.peers import by_url

arguments = sys.argv[1:]
wanted = arguments[arguments.index("-d") + 1] if "-d" in arguments else "*"
if not by_url("CELERY_BROKER_URL").keys(f"standin:worker:{wanted}"):
    sys.exit(69)  # Celery's exit code
sys.stdout.write("pong\n")

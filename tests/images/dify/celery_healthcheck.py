"""Stand-in for Dify's module of this name: provides a Celery application, based on Redis lists.

Celery's `inspect` waits for replies through the broker, and a task whose message names a `link` sends its
result to that queue (langgenius/dify, api/celery_healthcheck.py, 07119e3f009d; tried with Celery 5.6.3).
"""

from __future__ import annotations

from standin.queues import Application

celery = Application()

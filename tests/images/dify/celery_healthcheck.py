"""What Dify's module of this name gives who asks its workers: a Celery application, here made of Redis lists.

Celery's `inspect` waits for answers by way of the broker, and a task whose message names a `link` sends its
result on to that queue (langgenius/dify, api/celery_healthcheck.py, 07119e3f009d; tried with Celery 5.6.3).
"""

from __future__ import annotations

from standin.queues import Application

celery = Application()

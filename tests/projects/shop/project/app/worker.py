"""Writes the orders of the queue to the database."""

import os
import time

import psycopg2
import redis

queue = redis.from_url(os.environ["QUEUE_URL"])
while True:
    try:
        with psycopg2.connect(os.environ["DATABASE_URL"]) as db, db.cursor() as rows:
            rows.execute("CREATE TABLE IF NOT EXISTS orders (what text)")
        break
    except psycopg2.OperationalError:
        time.sleep(0.5)
while True:
    _, what = queue.brpop("orders")
    with psycopg2.connect(os.environ["DATABASE_URL"]) as db, db.cursor() as rows:
        rows.execute("INSERT INTO orders VALUES (%s)", (what.decode(),))

"""Takes orders: each goes to the queue; the worker writes it to the database."""

import http.server
import os
import urllib.parse

import psycopg2
import redis

queue = redis.from_url(os.environ["QUEUE_URL"])


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/health":
            queue.ping()
            text = "ok"
        elif path == "/order":
            queue.lpush("orders", urllib.parse.parse_qs(query)["what"][0])
            text = "taken"
        else:
            with psycopg2.connect(os.environ["DATABASE_URL"]) as db, db.cursor() as rows:
                rows.execute("SELECT what FROM orders ORDER BY what")
                text = os.environ["SHOP_NAME"] + ": " + " ".join(row[0] for row in rows)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


http.server.ThreadingHTTPServer(("", 8000), Shop).serve_forever()

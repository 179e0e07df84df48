"""Searches the index."""

import http.server
import sqlite3
import urllib.parse


class Search(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(self.path.partition("?")[2])["q"][0]
        with sqlite3.connect("/index/index.db") as index:
            index.execute("CREATE VIRTUAL TABLE IF NOT EXISTS lines USING fts5(line)")
            rows = index.execute("SELECT line FROM lines WHERE lines MATCH ?", (query,)).fetchall()
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(row[0].strip() for row in rows).encode())


http.server.ThreadingHTTPServer(("", 8000), Search).serve_forever()

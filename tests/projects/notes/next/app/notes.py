"""Keeps notes in a single file."""

import http.server
import os
import sqlite3

FILE = "/data/notes.db"


class Notes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        note = self.path.strip("/")
        with sqlite3.connect(FILE) as notes:
            notes.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
            if note:
                notes.execute("INSERT INTO notes VALUES (?)", (note,))
            rows = notes.execute("SELECT note FROM notes").fetchall()
        self.send_response(200)
        self.end_headers()
        owner = os.environ.get("OWNER", "-")
        self.wfile.write(f"{owner}, second: {' '.join(row[0] for row in rows)}".encode())


http.server.ThreadingHTTPServer(("", 8000), Notes).serve_forever()

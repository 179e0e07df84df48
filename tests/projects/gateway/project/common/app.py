"""Says its colour."""

import http.server
import os


class Colour(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["COLOUR"].encode())


http.server.ThreadingHTTPServer(("", 8000), Colour).serve_forever()

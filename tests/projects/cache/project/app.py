"""Counts visits in memcached, and in a file for the time after a restart."""

import http.server
import socket


def ask(line):
    with socket.create_connection(("memcached", 11211)) as peer:
        peer.sendall(line + b"\r\nquit\r\n")
        return peer.makefile("rb").read()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/count":
            ask(b"add visits 0 0 1\r\n0")
            text = ask(b"incr visits 1").split()[0]
        else:
            text = [line for line in ask(b"stats").splitlines() if b"limit_maxbytes" in line][0].split()[2]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text)


http.server.ThreadingHTTPServer(("", 8000), Pages).serve_forever()

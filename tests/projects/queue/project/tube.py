"""Talks to beanstalkd: put TEXT, peek, list, clear."""

import os
import socket
import sys

EDITION = "first"
with socket.create_connection((os.environ.get("SERVER", "127.0.0.1"), 11300)) as peer:
    answers = peer.makefile("rb")

    def ask(line, body=b""):
        peer.sendall(line.encode() + b"\r\n" + body)
        return answers.readline()

    if sys.argv[1] == "put":
        text = sys.argv[2].encode()
        print(ask(f"put {os.environ['PRIORITY']} 0 60 {len(text)}", text + b"\r\n").split()[0].decode())
    elif sys.argv[1] == "peek":
        print(answers.read(int(ask("peek-ready").split()[2])).decode())
    elif sys.argv[1] == "clear":
        while (found := ask("reserve-with-timeout 0")).startswith(b"RESERVED"):
            answers.read(int(found.split()[2]) + 2)
            ask(f"delete {found.split()[1].decode()}")
    else:
        ask("list-tubes")

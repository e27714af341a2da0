"""A relay that takes its time over every answer, and takes every letter in the end."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass
class Dripping:
    """`accepted`: letters taken, the last word of it said to the sender or not."""

    port: int = 0
    accepted: int = 0


@contextmanager
def dripping(seconds: float) -> Iterator[Dripping]:
    """Each of its answers takes so long: the greeting, to HELO, to MAIL, to RCPT, to DATA and to the letter itself."""
    relay = Dripping()

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.say("220 slowly")
                for line in self.rfile:
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.say("354 go on")
                        while self.rfile.readline() not in (b".\r\n", b""):
                            pass
                        relay.accepted += 1
                    self.say("221 bye" if word == b"QUIT" else "250 OK")

        def say(self, words: str) -> None:
            time.sleep(seconds)
            self.wfile.write(f"{words}\r\n".encode())

    with socketserver.ThreadingTCPServer((HOST, 0), Talk) as server:
        server.daemon_threads, server.block_on_close = True, False
        relay.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, name="dripping", daemon=True).start()
        yield relay
        server.shutdown()

"""A ManageSieve client (RFC 5804), as far as tests need one."""

import base64
import socket
import ssl

from stack import mail


class Session:
    def __init__(self, lay, user, password):
        self.socket = socket.create_connection(("127.0.0.1", lay.ports["sieve"]), 30, source_address=(mail.somewhere(), 0))
        self.stream = self.socket.makefile("rb")
        self.answer()
        self.ask("STARTTLS")
        self.socket = ssl.create_default_context(cafile=lay.tls / "ca.pem").wrap_socket(self.socket, server_hostname="localhost")
        self.stream = self.socket.makefile("rb")
        self.answer()
        self.ask(f'AUTHENTICATE "PLAIN" "{base64.b64encode(f"{chr(0)}{user}{chr(0)}{password}".encode()).decode()}"')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def answer(self):
        """Lines up to the one that says OK; any other end is an error."""
        lines = []
        while True:
            line = self.stream.readline().decode()
            lines.append(line)
            if line.startswith("OK"):
                return lines
            if line.startswith(("NO", "BYE")) or not line:
                raise RuntimeError("".join(lines))

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.answer()

    def put(self, name, script):
        self.ask(f'PUTSCRIPT "{name}" {{{len(script)}+}}\r\n{script}')

    def activate(self, name):
        self.ask(f'SETACTIVE "{name}"')

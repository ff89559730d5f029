"""The foreign mail host: takes every message and writes it, with its envelope, to a file of its own: `NNNNNN.eml`, which begins with the lines
X-Client-Addr, X-Helo-Args, X-Mail-Args, X-Rcpt-Args (one a recipient), X-Login and X-Tls, as Postfix's smtp-sink writes most of them. STARTTLS is offered
when a certificate is given. With a file of log-ins, a line `user:password` each, it is a relay host: it takes no mail before a log-in, for which it wants TLS.
A recipient whose local part begins with `refuse` is refused for good, `later` for now.

usage: python3 -m stack.sink PORT FOLDER [CERT KEY [LOGINS]]"""

import asyncio
import base64
import binascii
import itertools
import os
import pathlib
import ssl
import sys

LINE_MAX = 1 << 20


class Session:
    def __init__(self, sink, reader, writer):
        self.sink, self.reader, self.writer = sink, reader, writer
        self.peer, self.tls, self.helo, self.login = writer.get_extra_info("peername")[0], False, "", ""
        self.reset()

    def reset(self):
        self.sender, self.recipients = None, []

    async def say(self, *lines):
        code = lines[0][:3]
        for n, line in enumerate(lines):
            text = line[4:] if line.startswith(code) else line
            self.writer.write(f"{code}{' ' if n == len(lines) - 1 else '-'}{text}\r\n".encode())
        await self.writer.drain()

    async def run(self):
        await self.say("220 sink ESMTP")
        while line := await self.reader.readline():
            verb, _, rest = line.decode("latin-1").strip().partition(" ")
            handler = getattr(self, "on_" + verb.lower(), None)
            if verb.upper() == "QUIT":
                await self.say("221 2.0.0 bye")
                return
            await (handler(rest) if handler else self.say("502 5.5.2 what?"))

    async def on_ehlo(self, name):
        self.reset()
        self.helo = name
        starttls = ["STARTTLS"] if self.sink.tls and not self.tls else []
        auth = ["AUTH PLAIN LOGIN"] if self.sink.logins is not None and self.tls else []
        await self.say("250 sink", "PIPELINING", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES", *starttls, *auth, "SIZE")

    on_helo = on_ehlo

    async def on_starttls(self, _):
        await self.say("220 2.0.0 go ahead")
        await self.writer.start_tls(self.sink.tls)
        self.tls = True
        self.reset()

    async def on_auth(self, args):
        mechanism, _, initial = args.partition(" ")
        if self.sink.logins is None or not self.tls or mechanism.upper() != "PLAIN":
            return await self.say("504 5.5.4 PLAIN, after STARTTLS")
        if not initial:
            await self.say("334 ")
            initial = (await self.reader.readline()).decode("latin-1").strip()
        try:
            _, user, password = base64.b64decode(initial, validate=True).decode().split("\0")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return await self.say("501 5.5.2 what?")
        if f"{user}:{password}" not in pathlib.Path(self.sink.logins).read_text().splitlines():
            return await self.say("535 5.7.8 wrong")
        self.login = user
        await self.say("235 2.7.0 welcome")

    async def on_mail(self, args):
        if self.sink.logins is not None and not self.login:
            return await self.say("530 5.7.0 log in first")
        self.sender = args.partition(":")[2]
        await self.say("250 2.1.0 ok")

    async def on_rcpt(self, args):
        address = args.partition(":")[2]
        if address.startswith("<refuse"):
            return await self.say("550 5.1.1 nobody here")
        if address.startswith("<later"):
            return await self.say("451 4.2.1 not now")
        self.recipients.append(address)
        await self.say("250 2.1.5 ok")

    async def on_data(self, _):
        if not self.recipients:
            return await self.say("503 5.5.1 no recipient")
        await self.say("354 go")
        lines = []
        while (line := await self.reader.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if line:
            self.sink.store(self, b"".join(lines))
            await self.say("250 2.0.0 stored")
        self.reset()

    async def on_rset(self, _):
        self.reset()
        await self.say("250 2.0.0 ok")

    async def on_noop(self, _):
        await self.say("250 2.0.0 ok")


class Sink:
    def __init__(self, folder, tls, logins):
        self.folder, self.tls, self.logins = pathlib.Path(folder), tls, logins
        self.numbers = itertools.count(len(list(self.folder.glob("*.eml"))) + 1)

    def store(self, session, message):
        head = [f"X-Client-Addr: {session.peer}", f"X-Helo-Args: {session.helo}", f"X-Mail-Args: {session.sender}",
                *(f"X-Rcpt-Args: {r}" for r in session.recipients), f"X-Login: {session.login}", f"X-Tls: {'yes' if session.tls else 'no'}"]
        name = f"{next(self.numbers):06}"
        half = self.folder / f".{name}"
        half.write_bytes("".join(line + "\r\n" for line in head).encode() + message)
        os.replace(half, self.folder / f"{name}.eml")

    async def client(self, reader, writer):
        try:
            await Session(self, reader, writer).run()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass  # the peer's fault: its session ends
        finally:
            writer.close()


async def serve(port, folder, cert=None, key=None, logins=None):
    tls = None
    if cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(cert, key)
    server = await asyncio.start_server(Sink(folder, tls, logins).client, "127.0.0.1", int(port), limit=LINE_MAX)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))

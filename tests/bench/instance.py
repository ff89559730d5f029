"""A Postfix of its own beside the stack's, and the job of sending it messages that are accepted and thrown away."""

import subprocess

import measure
from stack import accounts, daemons, postfix, units


def parameters(text):
    """{name: its lines} of a main.cf, comments left out."""
    found, name = {}, None
    for line in text.splitlines():
        if line[:1].strip() and not line.startswith("#"):
            name = line.partition("=")[0].strip()
            found[name] = [line]
        elif name and line.strip() and not line.startswith("#"):
            found[name].append(line)
    return found


def replaced(main, overrides):
    """Each parameter once: Postfix warns about every other at each start of each process, and its log blocks under that."""
    return "".join(line + "\n" for lines in (parameters(main) | parameters(overrides)).values() for line in lines)


class Instance:
    """The shipped configuration with `overrides` laid over it, at the stack's port number `offset`."""

    def __init__(self, h, name, offset, overrides):
        lay, root = h.lay, h.lay.dir / name
        self.port, self.etc, self.queue = lay.base + offset, root / "etc", root / "queue"
        self.log = lay.log / f"postfix-{name}.log"
        self.etc.mkdir(parents=True)
        for path, mode, owner in ((root, 0o755, "root"), (self.queue, 0o755, "root"), (root / "data", 0o700, "postfix")):
            accounts.make_folder(path, mode, owner)
        main = daemons.rendered(lay, "postfix-main") + postfix.PRIVATE.format(
            queue=self.queue, root=root, log=self.log, dir=lay.dir, ipv6="", protocols="ipv4", sink=lay.ports["sink"])
        (self.etc / "main.cf").write_text(replaced(main, "virtual_transport = discard:\n" + overrides))
        postfix.write_master(self.etc, daemons.rendered(lay, "postfix-master").replace(f"\n{lay.ports['smtp']} inet", f"\n127.0.0.1:{self.port} inet"))
        master = self.etc / "master.cf"
        master.write_text(self.unchrooted(master.read_text(), lay))
        self.log.touch(mode=0o644)
        h.servers.start(f"postfix-{name}", ["postfix", "-c", self.etc, "start-fg"])
        units.wait_for(f"postfix {name}", units.listening(("127.0.0.1", self.port)))
        self.roots = [h.servers.pid(f"postfix-{name}")]

    def unchrooted(self, master, lay):
        """Without the other listeners (the stack's Postfix has them) and without chroot."""
        lines, skip = [], False
        for line in master.splitlines():
            if line[:1].strip() and not line.startswith("#"):
                fields = line.split()
                skip = fields[1] == "inet" and fields[0] != f"127.0.0.1:{self.port}" or fields[0].endswith(str(lay.ports["forward"]))
                if len(fields) >= 8:
                    fields[4] = "n"
                    line = " ".join(fields)
            if not skip:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def send(self, messages, sessions, content, sender, recipient):
        """Sends the messages, of so many bytes or all as in that file, and waits until the queue is empty."""
        what = ["-l", str(content)] if isinstance(content, int) else ["-F", content]
        with measure.Run(self.roots) as run:
            subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(messages), *what, "-f", sender, "-t", recipient, f"127.0.0.1:{self.port}"],
                           check=True)
            units.wait_for("an empty queue", lambda: not any((self.queue / "active").iterdir()) and not any((self.queue / "incoming").iterdir()))
        if any(path.is_file() for path in (self.queue / "deferred").rglob("*")):
            raise RuntimeError(f"{self.log}: messages were deferred")
        return run

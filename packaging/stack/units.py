"""The owner's side of the supervisor."""

import json
import os
import pwd
import signal
import socket
import subprocess
import threading
import time

from . import layout


class Units:
    def __init__(self, log_dir, remove):
        """`remove`: folders that the supervisor takes away at the end."""
        ours, theirs = socket.socketpair()
        self.lock, self.stream, self.log_dir = threading.Lock(), ours.makefile("rwb", buffering=0), log_dir
        ours.close()
        self.supervisor = subprocess.Popen(
            ["/usr/bin/python3", "-m", "stack.supervise", str(theirs.fileno()), str(log_dir), *map(str, remove)],
            pass_fds=[theirs.fileno()], start_new_session=True, cwd="/", stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(layout.SOURCE / "packaging"), "PYTHONDONTWRITEBYTECODE": "1"})
        theirs.close()

    def ask(self, **request):
        with self.lock:
            self.stream.write(json.dumps(request).encode() + b"\n")
            line = self.stream.readline()
        reply = json.loads(line) if line else {"error": "the supervisor is gone"}
        if "error" in reply:
            raise RuntimeError(f"{request.get('name')}: {reply['error']}")
        return reply["pids"]

    def start(self, name, argv, user="root", restart=False, env=None):
        groups = os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
        pids = self.ask(op="start", name=name, argv=[str(a) for a in argv], user=user, groups=groups, env=env or {}, restart=restart)
        if name not in pids:
            raise RuntimeError(f"{name} ended at once: {(self.log_dir / name).with_suffix('.log').read_text().strip()}")

    def stop(self, name):
        self.ask(op="stop", name=name)

    def again(self, name):
        """Starts a stopped unit as it was started before."""
        self.ask(op="again", name=name)

    def pid(self, name):
        """The unit's process now, or None."""
        return self.ask(op="pids").get(name)

    def kill(self, name, number=signal.SIGKILL):
        os.kill(self.pid(name), number)

    def end(self):
        with self.lock:
            self.stream.close()
        self.supervisor.wait(300)  # it may have a great many messages to delete


def wait_for(what, ready, seconds=20):
    """Until ready() is true; exceptions of OSError count as not yet."""
    end, why = time.monotonic() + seconds, ""
    while True:
        try:
            if ready():
                return
        except OSError as error:
            why = f" ({error})"
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not ready after {seconds} s{why}")
        time.sleep(0.03)


def listening(address):
    """A function that tells whether something accepts connections at (host, port) or a Unix socket's path."""
    def ready():
        with socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX) as s:
            s.settimeout(2)
            s.connect(address if isinstance(address, tuple) else str(address))
            return True
    return ready

"""The supervisor: a process of its own that starts the servers of one stack, restarts what dies (as systemd does on a host), and takes all of them and
the folder away when its owner asks for it or is gone, kill -9 included: then the control socket, a socketpair on fd `argv[1]`, ends.

Requests and answers are JSON, one a line: {"op": "start", "name", "argv", "user", "groups", "env", "restart"},
{"op": "stop", "name"}, {"op": "again", "name"}, {"op": "pids"}."""

import ctypes
import json
import os
import pathlib
import pwd
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
RESTART_AFTER = 0.2   # seconds, of the order of systemd's RestartSec
STOP_WITHIN = 15      # seconds from SIGTERM to SIGKILL
ENDING = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
libc = ctypes.CDLL(None)


def in_child():
    """What we ignore must not be ignored by the servers; and should we die first, they end."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Unit:
    def __init__(self, request, log):
        self.name, self.argv, self.wanted = request["name"], request["argv"], request["restart"]
        self.user, self.groups, self.env = request["user"], request["groups"], request["env"]
        self.log, self.process, self.restart, self.due = log, None, False, None

    def start(self):
        self.restart = self.wanted
        entry = pwd.getpwnam(self.user)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", umask=0o022,
                user=entry.pw_uid, group=entry.pw_gid, extra_groups=self.groups,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **self.env},
                preexec_fn=in_child)
        self.due = None

    def stop(self):
        self.restart, self.due = False, None
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Supervisor:
    def __init__(self, control, log_dir):
        self.control, self.log_dir, self.units = control, log_dir, {}

    def tick(self):
        """Notices deaths, starts again what is due."""
        now = time.monotonic()
        for unit in self.units.values():
            if unit.due is not None and unit.due <= now:
                unit.start()
            elif unit.due is None and unit.restart and unit.process.poll() is not None:
                unit.due = now + RESTART_AFTER

    def answer(self, request):
        if request["op"] == "start":
            if (old := self.units.get(request["name"])) and old.process.poll() is None:
                return {"error": f"{old.name} is running already"}
            unit = Unit(request, self.log_dir / f"{request['name']}.log")
            unit.start()
            self.units[unit.name] = unit
        elif request["op"] == "stop":
            self.units[request["name"]].stop()
        elif request["op"] == "again":
            self.units[request["name"]].start()
        return {"pids": {u.name: u.process.pid for u in self.units.values() if u.process.poll() is None}}

    def serve(self):
        stream = self.control.makefile("rwb", buffering=0)
        selector = selectors.DefaultSelector()
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.05):
                line = stream.readline()
                if not line:
                    return
                try:
                    reply = self.answer(json.loads(line))
                except Exception as error:  # the owner is told; the other servers must not suffer
                    reply = {"error": f"{type(error).__name__}: {error}"}
                stream.write(json.dumps(reply).encode() + b"\n")
            self.tick()

    def end(self):
        for unit in reversed(list(self.units.values())):
            unit.stop()
        kill_descendants()


def freeze(pid, seconds=10):
    """SIGSTOP. Returns when it holds: until its first thread has seen it, the others go on."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + seconds
    while pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "TtZ":
        if time.monotonic() > end:
            raise RuntimeError(f"process {pid} does not stop")
        time.sleep(0.005)


def children(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, IndexError, ValueError):
            pass
    return found


def kill_descendants():
    """What outlived its server became our child (subreaper): a few rounds, since each death may bring up grandchildren."""
    for _ in range(50):
        left = children(os.getpid())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass


def main():
    control, log_dir, remove = socket.socket(fileno=int(sys.argv[1])), pathlib.Path(sys.argv[2]), sys.argv[3:]
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # only the end of the control socket ends us
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    supervisor = Supervisor(control, log_dir)
    try:
        supervisor.serve()
    except OSError:
        pass  # the owner died in the middle of a line
    supervisor.end()
    for path in remove:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    main()

"""A private MariaDB that tests may stop and kill: a socket in a folder, no port unless asked for."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "packaging"))

from stack import mariadb as stack  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MR_BUILD", SOURCE / "build"))
START_SECONDS = 60


class MariaDB:
    """`folder` must be reachable for the user mysql (each parent o+x)."""

    def __init__(self, folder, port=0, options=(), under=()):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.socket = self.folder / "mysql.sock"
        self.port, self.options, self.under = port, options, under
        self.process = None

    def start(self):
        if not self.data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            stack.copy_data(BUILD, self.data)
            shutil.chown(self.folder, "mysql")
            self.folder.chmod(0o755)
        network = [f"--port={self.port}", "--bind-address=127.0.0.1"] if self.port else ["--skip-networking"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.under, *stack.SERVER, "--user=mysql", f"--datadir={self.data}", f"--socket={self.socket}",
                                             f"--pid-file={self.folder}/pid", *network, *stack.OPTIONS, *self.options], stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"mariadbd did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    def _answers(self):
        return self.socket.exists() and subprocess.run(self._client("-e", "SELECT 1"), capture_output=True).returncode == 0

    def _client(self, *args):
        return ["mariadb", "--no-defaults", "-uroot", f"--socket={self.socket}", "-N", "-B", *args]

    def sql(self, text, database=None):
        """Runs statements as root; the answer as rows of text cells. Raises with the server's words."""
        done = subprocess.run(self._client(*([database] if database else [])), input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return [line.split("\t") for line in done.stdout.splitlines()]

    def kill(self):
        """As a crash would end it."""
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

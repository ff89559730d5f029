"""A private MariaDB: a socket in a folder, no port unless asked for, gone when stopped.

The first start on a machine prepares an empty data folder (2 s); later ones copy it (0.1 s)."""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

OPTIONS = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--skip-log-bin",
           "--performance-schema=off", "--skip-name-resolve"]
START_SECONDS = 60


def _as_mysql():
    """mariadbd refuses to be root without being told whom to become."""
    return ["--user=mysql"] if os.getuid() == 0 else []


def _template():
    """The prepared data folder of this machine and server version."""
    version = subprocess.run(["mariadbd", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    base = pathlib.Path(tempfile.gettempdir()) / f"mr-mariadb-template-{os.getuid()}"
    base.mkdir(mode=0o711, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise RuntimeError(f"{base} belongs to somebody else")
    data = base / version
    with open(base / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data.exists():
            fresh = base / f"{version}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            subprocess.run(["mariadb-install-db", "--no-defaults", *_as_mysql(), f"--datadir={fresh}",
                            "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
            fresh.rename(data)
    return data


class MariaDB:
    """`folder` must be reachable for the user mysql (each parent o+x)."""

    def __init__(self, folder, port=0):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.socket = self.folder / "mysql.sock"
        self.port = port
        self.process = None

    def start(self):
        if not self.data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", str(_template()), str(self.data)], check=True)
            if os.getuid() == 0:
                shutil.chown(self.folder, "mysql")
            self.folder.chmod(0o755)
        network = [f"--port={self.port}", "--bind-address=127.0.0.1"] if self.port else ["--skip-networking"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["mariadbd", "--no-defaults", *_as_mysql(), f"--datadir={self.data}", f"--socket={self.socket}",
                                             f"--pid-file={self.folder}/pid", *network, *OPTIONS], stdout=log, stderr=log)
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

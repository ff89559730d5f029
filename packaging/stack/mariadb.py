"""A private MariaDB. Making a data folder takes two seconds, so one is prepared below the build folder and copied for each stack."""

import fcntl
import pathlib
import shutil
import subprocess

from . import accounts, units

SERVER = ["mariadbd", "--no-defaults"]
OPTIONS = ["--skip-networking", "--skip-log-bin", "--performance-schema=off", "--innodb-buffer-pool-size=32M",
           "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=1"]
USER, PASSWORD, NAME = "mailreeve", "demo-database", "mailreeve"


def prepared(lay):
    """The prepared data folder, made if there is none yet; another stack may be doing the same at this moment."""
    version = subprocess.run(["mariadbd", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    cache = lay.build / "stack-cache"
    cache.mkdir(parents=True, exist_ok=True)
    data = cache / f"mariadb-{version}"
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data.exists():
            half = pathlib.Path(f"{data}.new")
            shutil.rmtree(half, ignore_errors=True)
            subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={half}", "--auth-root-authentication-method=normal", "--skip-test-db",
                            "--skip-name-resolve", "--innodb-log-file-size=16M"], check=True, capture_output=True)
            half.rename(data)
    return data


def start(lay, servers):
    root = lay.db_socket.parents[1]
    if not (root / "data").exists():
        root.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", "--reflink=auto", str(prepared(lay)), str(root / "data")], check=True)
        subprocess.run(["chown", "-R", "mysql:", str(root / "data")], check=True)
        accounts.make_folder(root / "run", 0o755, "mysql")
    argv = SERVER + OPTIONS + [f"--datadir={root}/data", f"--socket={lay.db_socket}", f"--pid-file={root}/run/pid", f"--tmpdir={root}/run"]
    servers.start("mariadb", argv, user="mysql", restart=True)
    units.wait_for("mariadb", units.listening(lay.db_socket))
    accounts.make_secret(lay.keys / "db-password", PASSWORD, "mailreeve-lookup")


def sql(lay, text, database=NAME):
    """Runs statements as the database's own root; what they print, without headers."""
    done = subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={lay.db_socket}", "-N", "-B", database], input=text,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout

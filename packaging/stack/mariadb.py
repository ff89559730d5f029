"""A private MariaDB. Making a data folder takes two seconds, so one is prepared below the build folder and copied for each stack."""

import fcntl
import pathlib
import shutil
import subprocess

from . import accounts, units

SERVER = ["mariadbd", "--no-defaults"]
OPTIONS = ["--skip-log-bin", "--skip-name-resolve", "--performance-schema=off", "--innodb-buffer-pool-size=32M",
           "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=1"]
ADMIN_PASSWORD = "demo-administration"
USER, PASSWORD, NAME = "mailreeve", "demo-database", "mailreeve"
SECOND_USER = "mailreeve-second"  # of a host that joins: it can be kept out without the other


def prepared(build):
    """The prepared data folder, made if there is none yet; another stack may be doing the same at this moment."""
    version = subprocess.run(["mariadbd", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    cache = build / "stack-cache"
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


def copy_data(build, to):
    """A data folder of the user mysql, without databases."""
    subprocess.run(["cp", "-r", "--reflink=auto", str(prepared(build)), str(to)], check=True)
    subprocess.run(["chown", "-R", "mysql:", str(to)], check=True)


def start(lay, servers):
    root = lay.db_socket.parents[1]
    if not (root / "data").exists():
        root.mkdir(exist_ok=True)
        copy_data(lay.build, root / "data")
        accounts.make_folder(root / "run", 0o755, "mysql")
    argv = SERVER + OPTIONS + ["--skip-networking", f"--datadir={root}/data", f"--socket={lay.db_socket}", f"--pid-file={root}/run/pid", f"--tmpdir={root}/run"]
    servers.start("mariadb", argv, user="mysql", restart=True)
    units.wait_for("mariadb", units.listening(lay.db_socket))
    accounts.make_secret(lay.keys / "db-password", PASSWORD, "mailreeve-lookup")
    accounts.make_secret(lay.keys / "admin-db-password", ADMIN_PASSWORD, "mailreeve-admin")


def sql(lay, text, database=NAME):
    """Runs statements as the database's own root; what they print, without headers."""
    done = subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={lay.db_socket}", "-N", "-B", database], input=text,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout

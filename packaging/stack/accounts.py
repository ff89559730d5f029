"""System users and the folders with their owners: the shipped sysusers.d and tmpfiles.d tables, the second one moved below the stack's folder."""

import os
import pathlib
import pwd
import subprocess

from . import layout

TABLES = layout.SOURCE / "packaging/systemd"


def make_users():
    subprocess.run(["systemd-sysusers", str(TABLES / "sysusers.conf")], check=True, stderr=subprocess.DEVNULL)


def make_folders(lay):
    for line in (TABLES / "tmpfiles.conf").read_text().splitlines():
        if line.startswith("d "):
            _, path, mode, user, group, *_ = line.split()
            make_folder(lay.local(path), int(mode, 8), user, group)


def make_folder(path, mode, user, group=None):
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    owner = pwd.getpwnam(user)
    os.chown(path, owner.pw_uid, -1)
    if group:
        subprocess.run(["chgrp", group, str(path)], check=True)
    path.chmod(mode)

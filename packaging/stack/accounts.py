"""System users and the folders with their owners: the shipped sysusers.d and tmpfiles.d tables, the second one moved below the stack's folder."""

import grp
import os
import pathlib
import pwd
import shutil
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
    os.chown(path, owner.pw_uid, grp.getgrnam(group).gr_gid if group else owner.pw_gid)
    path.chmod(mode)


def make_secret(path, text, group):
    """A file that root and one group may read."""
    path.write_text(text + "\n")
    path.chmod(0o640)
    shutil.chown(path, "root", group)

"""A private Postfix from the shipped templates, its daemons chrooted as on a host. Only what a test needs is added: its own folders, short back-off times,
loopback, and the sink as the way to everybody else (Postfix's resolver cannot be given a port, so its DNS is off)."""

import json
import os
import pathlib
import shutil
import subprocess

from . import accounts, units

PRIVATE = """
# Added for a private stack
queue_directory = {queue}
data_directory = {root}/data
maillog_file = {log}
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1{ipv6}
inet_protocols = {protocols}
smtp_dns_support_level = disabled
smtp_tls_security_level = may
relayhost = [127.0.0.1]:{sink}
smtpd_client_connection_count_limit = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
transport_retry_time = 2s
"""
STOCK_MASTER = "/usr/share/postfix/master.cf.dist"
# Debian's start script copies these into the chroot.
CHROOT_FILES = ["localtime", "services", "resolv.conf", "hosts", "nsswitch.conf"]


def make_queue(lay):
    root = lay.queue.parent
    accounts.make_folder(root, 0o755, "root")
    accounts.make_folder(lay.queue, 0o755, "root")
    accounts.make_folder(lay.queue / "private", 0o700, "postfix")
    accounts.make_folder(root / "data", 0o700, "postfix")
    (lay.queue / "etc").mkdir(exist_ok=True)
    for name in CHROOT_FILES:
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", lay.queue / "etc" / name)
    # The name of the run folder, seen from inside: on a host that is /run/mailreeve twice, here the queue folder must know ours.
    inside = pathlib.Path(f"{lay.queue}{lay.run}")
    inside.parent.mkdir(parents=True, exist_ok=True)
    if not inside.is_symlink():
        inside.symlink_to("/run/mailreeve")


def main_cf(lay, rendered):
    """main.cf of a private stack. rendered(kind): the text of `mailreeve setup print kind`."""
    private = PRIVATE.format(queue=lay.queue, root=lay.queue.parent, log=lay.log / "postfix.log", dir=lay.dir,
                             ipv6=", [::1]" if lay.ipv6 else "", protocols="all" if lay.ipv6 else "ipv4", sink=lay.ports["sink"])
    return without(rendered("postfix-main"), private) + private


def start(lay, servers, rendered):
    (lay.postfix / "main.cf").write_text(main_cf(lay, rendered))
    write_master(lay.postfix, rendered("postfix-master"))
    (lay.log / "postfix.log").touch(mode=0o644)
    check = subprocess.run(["postfix", "-c", str(lay.postfix), "check"], capture_output=True, text=True, check=False)
    if check.returncode or check.stderr:
        raise RuntimeError(f"postfix check: {check.stderr.strip()}")
    servers.start("postfix", ["postfix", "-c", lay.postfix, "start-fg"])
    for port in ("smtp", "submission", "submissions"):
        units.wait_for(f"postfix {port}", units.listening(("127.0.0.1", lay.ports[port])))


def without(text, replaced):
    """main.cf without the parameters, of one line each, that `replaced` sets: each process would complain of what stands there twice."""
    names = {line.partition(" = ")[0] for line in replaced.splitlines()}
    return "".join(line for line in text.splitlines(keepends=True) if line.partition(" = ")[0] not in names)


def write_master(folder, added):
    """Debian's own master.cf and what is added to it, as docs/install.md tells."""
    shutil.copy(STOCK_MASTER, folder / "master.cf")
    subprocess.run(["postconf", "-c", str(folder), "-M#", "smtp/inet", "pickup/unix"], check=True)
    with open(folder / "master.cf", "a", encoding="utf-8") as master:
        master.write(added)


def queue(lay):
    """The messages that wait, as postqueue describes them. It reads one folder after the other, and does not see what goes from one that comes later to one
    that it has read: so it looks twice, and the second time it is where it went."""
    looks = [subprocess.run(["postqueue", "-c", str(lay.postfix), "-j"], check=True, capture_output=True, text=True).stdout for _ in range(2)]
    return list({message["queue_id"]: message for message in map(json.loads, "".join(looks).splitlines())}.values())


def delete_all(lay):
    subprocess.run(["postsuper", "-c", str(lay.postfix), "-d", "ALL"], check=True, capture_output=True)


def release(lay, queue_id):
    """From the hold queue."""
    subprocess.run(["postsuper", "-c", str(lay.postfix), "-H", queue_id], check=True, capture_output=True)


def flush(lay):
    subprocess.run(["postqueue", "-c", str(lay.postfix), "-f"], check=True, capture_output=True)


def sendmail(lay, message, *args, sender=None):
    """As a local program does it; root may name another configuration folder without asking the host's own main.cf."""
    envelope = ["-f", sender] if sender else []
    return subprocess.run(["sendmail", "-C", str(lay.postfix), "-oi", *envelope, *args], input=message, capture_output=True, check=False)


def postmap(lay, table, key):
    """What a table answers; "" where it has nothing."""
    return subprocess.run(["postmap", "-c", str(lay.postfix), "-q", key, table], capture_output=True, text=True, check=False).stdout.strip()

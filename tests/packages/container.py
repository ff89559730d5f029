"""A clean Debian with systemd as its first process, in systemd-nspawn over an overlay in memory. All mounts stand in a mount namespace of the container's own, so
nothing of them is left when it ends; systemd need not run on the host."""

import contextlib
import ctypes
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
DEBS = SOURCE / "build/deb" / SUITE

STOCK = ("systemd", "systemd-sysv", "dbus", "ca-certificates", "iproute2", "procps", "openssl", "postfix", "dovecot-imapd", "dovecot-lmtpd",
         "dovecot-managesieved", "dovecot-pop3d", "mariadb-server", "redis-server", "unbound", "dns-root-data")
MEMORY = "3g"      # at most, for what the container writes
PR_SET_PDEATHSIG = 1
POWER_OFF = signal.SIGRTMIN + 4   # systemd(1)
CGROUPS = pathlib.Path("/sys/fs/cgroup")
numbers = itertools.count(1)

# In the new mount namespace: $1 lower folder, $2 work folder, $3 memory, $4 name, $5 folder of packages, shown as /mnt. Where no systemd gives nspawn a control
# group of its own, one is made. spamassassin recommends sa-compile, which brings a C compiler and takes a minute for what nothing here runs.
SCRIPT = """
set -e
mount -t tmpfs -o size=$3,mode=755 container "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" container "$2/root"
cp /etc/resolv.conf "$2/root/etc/resolv.conf"
mount --bind -o ro "$5" "$2/root/mnt"
printf 'Package: sa-compile\\nPin: release *\\nPin-Priority: -1\\n' > "$2/root/etc/apt/preferences.d/sa-compile"
chroot "$2/root" sh -c 'apt-get -qq update && apt-get -qq --download-only -o Dpkg::Use-Pty=0 install -y /mnt/*.deb' >/dev/null
for group in systemd unified; do
	if [ -w "/sys/fs/cgroup/$group" ]; then
		mkdir -p "/sys/fs/cgroup/$group/$4"
		echo $$ > "/sys/fs/cgroup/$group/$4/cgroup.procs"
	fi
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
[ -d /run/systemd/system ] || keep=--keep-unit
exec systemd-nspawn -q -D "$2/root" --boot --register=no ${keep:-} --machine="$4" --console=pipe --private-network --bind-ro="$5:/mnt"
"""


def root_folder(name="root", packages=STOCK):
    """The root with the stock servers, made when there is none yet: a minute, and the outside network."""
    cache = SOURCE / "build/packages-cache"
    root = cache / f"{name}-{SUITE}"
    if not root.exists():
        cache.mkdir(parents=True, exist_ok=True)
        half = cache / f"{name}-{SUITE}.new"
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run(["mmdebstrap", "-q", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(half)], check=True)
        half.rename(root)
    return root


def bare_folder():
    """The root with what every Debian has, and no server."""
    return root_folder("bare", ("ca-certificates",))


class Container:
    def __init__(self, root, work, packages):
        """`packages` is shown inside as /mnt; what those packages depend on is fetched before the network is gone."""
        self.name = f"mr-{os.getpid()}-{next(numbers)}"
        self.console = work / "console.log"
        folder = work / "mount"
        folder.mkdir()
        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", root, folder, MEMORY, self.name, packages],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        self.leader = None
        try:
            self.leader = self.wait(self.find_leader, 300)
            self.wait(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), 60)
        except BaseException:
            self.stop()
            raise

    def wait(self, look, seconds):
        end = time.monotonic() + seconds
        while not (found := look()):
            if self.nspawn.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"container: {self.console.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        return found

    def find_leader(self):
        """The descendant of nspawn that is systemd, and number 1 inside; None while there is none yet."""
        children = [self.nspawn.pid]
        while children:
            pid = children.pop()
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                children += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                continue
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1 and numbers[-1] == "1" and "Name:\tsystemd\n" in status:
                return pid
        return None

    def run(self, *argv, check=True, stdin=""):
        inside = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                  "DEBIAN_FRONTEND=noninteractive", *argv]
        done = subprocess.run(inside, input=stdin, capture_output=True, text=True, check=False, timeout=300)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def sh(self, script, **kwargs):
        return self.run("sh", "-ec", script, **kwargs).stdout

    def stop(self):
        if self.leader:
            os.kill(self.leader, POWER_OFF)
        else:
            self.nspawn.terminate()
        try:
            self.nspawn.wait(60)
        finally:
            self.nspawn.kill()
            for group in CGROUPS.glob(f"*/{self.name}"):
                remove_cgroup(group)


@contextlib.contextmanager
def clean_host(work):
    """A container over the stock root, with our packages in /mnt, not installed."""
    container = Container(root_folder(), work, DEBS)
    try:
        yield container
    finally:
        container.stop()


def join(one, two):
    """A wire between two containers, with the addresses and names of docs/second-host.md."""
    subprocess.run(["ip", "link", "add", "wire", "netns", str(one.leader), "type", "veth", "peer", "name", "wire", "netns", str(two.leader)], check=True)
    names = "192.0.2.1 mx.example.org\n192.0.2.2 mx2.example.org\n"
    for number, container in ((1, one), (2, two)):
        container.sh(f"ip addr add 192.0.2.{number}/24 dev wire; ip link set wire up; cat >> /etc/hosts", stdin=names)


def in_network(host, script):
    """Runs Python of this system in the container's network; what it printed."""
    done = subprocess.run(["nsenter", "-t", str(host.leader), "-n", "/usr/bin/python3", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def remove_cgroup(folder):
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            pass  # still in use for a moment: empty groups cost nothing

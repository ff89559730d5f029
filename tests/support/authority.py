"""Authoritative name servers: real Unbounds, each on port 53 of a loopback address of its own, which hold what they are told to."""

import random
import subprocess

from stack import units

CONF = """server:
	directory: "{dir}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: {address}@53
	do-daemonize: no
	module-config: "iterator"
	num-threads: 1
	extended-statistics: yes
	local-zone: "." static
remote-control:
	control-enable: yes
	control-interface: {dir}/control.sock
	control-use-cert: no
"""


class Authority:
    """One server; `address` is where it answers."""

    def __init__(self, folder, servers, name):
        self.folder, self.servers, self.name = folder, servers, name
        self.address = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        folder.mkdir(parents=True)
        (folder / "unbound.conf").write_text(CONF.format(dir=folder, address=self.address))
        self.start()

    def start(self):
        (self.folder / "control.sock").unlink(missing_ok=True)
        self.servers.start(self.name, ["unbound", "-d", "-c", self.folder / "unbound.conf"])
        units.wait_for(self.name, units.listening(self.folder / "control.sock"))

    def stop(self):
        self.servers.stop(self.name)

    def control(self, *words):
        return subprocess.run(["unbound-control", "-c", str(self.folder / "unbound.conf"), *words], capture_output=True, text=True, check=True).stdout

    def asked(self, kind):
        """Questions for records of that type so far."""
        return sum(int(line.split("=")[1]) for line in self.control("stats_noreset").splitlines() if line.startswith(f"num.query.type.{kind}="))

    def publish(self, record):
        self.control("local_data_remove", record.split()[0])
        self.control("local_data", record)

    def withdraw(self, name):
        self.control("local_data_remove", name)

"""A Galera cluster of MariaDB on loopback ports of its own, that tests may kill, freeze and cut apart: real replication, rsync for what a node lacks."""

import contextlib
import pathlib
import signal

import mariadb
from replicas import unused_port, until

JOIN_SECONDS = 60
OPTIONS = ["--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M",
           "--innodb-buffer-pool-size=16M", "--max-connections=100", "--wsrep-on=1", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-name=mailreeve-test",
           "--wsrep-sst-method=rsync", "--wsrep-slave-threads=2", "--wsrep-node-address=127.0.0.1"]


class Node(mariadb.MariaDB):
    """One member. Beside its port it has a Unix socket, as each MariaDB of the tests."""

    def __init__(self, folder, number):
        super().__init__(folder, unused_port())
        self.group, self.ist, self.sst = unused_port(), unused_port(), unused_port()
        self.name, self.place = f"node{number}", f"127.0.0.1:{self.port}"

    def configure(self, nodes):
        provider = {"base_host": "127.0.0.1", "base_port": self.group, "gmcast.listen_addr": f"tcp://127.0.0.1:{self.group}",
                    "ist.recv_addr": f"127.0.0.1:{self.ist}", "gcache.size": "16M", "gcache.page_size": "16M"}
        self.options = [*OPTIONS, f"--wsrep-node-name={self.name}", f"--wsrep-sst-receive-address=127.0.0.1:{self.sst}",
                        "--wsrep-cluster-address=gcomm://" + ",".join(f"127.0.0.1:{node.group}" for node in nodes),
                        "--wsrep-provider-options=" + ";".join(f"{key}={value}" for key, value in provider.items())]

    def start(self):
        """Once more where it ended at once: Galera 4's threads now and then trip over each other at the start ("Failed to set thread schedparams")."""
        for attempts_left in (2, 1, 0):
            try:
                return super().start()
            except RuntimeError:
                if self.process.poll() is None or not attempts_left:
                    raise

    def status(self, name):
        return self.sql(f"SHOW GLOBAL STATUS LIKE 'wsrep_{name}'")[0][1]

    def ready(self):
        return self.status("ready") == "ON"

    @contextlib.contextmanager
    def frozen(self):
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def cut(self, off):
        """From the other nodes, not from its clients."""
        self.sql(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(off)}'")

    def transferred(self):
        """How often it got all its data from another node."""
        return (self.folder / "log").read_text(errors="replace").count("SST complete")


class Cluster:
    def __init__(self, folder, size=3):
        folder = pathlib.Path(folder)
        self.nodes = [Node(folder / f"node{number}", number) for number in range(1, size + 1)]
        for node in self.nodes:
            node.configure(self.nodes)

    def start(self):
        first = self.nodes[0]
        first.options.append("--wsrep-new-cluster")
        first.start()
        first.options.pop()
        for node in self.nodes[1:]:
            node.start()
        self.whole()
        return self

    def whole(self):
        """Until each node is a member, and sees all the others as members: one that was frozen thinks so for a while without being it."""
        until(lambda: all(node.ready() and node.status("local_state_comment") == "Synced" and node.status("cluster_size") == str(len(self.nodes))
                          for node in self.nodes), JOIN_SECONDS)

    def remove(self):
        for node in self.nodes:
            node.kill()     # nothing is kept
            node.remove()

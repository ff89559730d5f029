"""One private mail host, from nothing to running and away again."""

import concurrent.futures
import shutil
import subprocess

from . import accounts, certs, clamav, daemons, dovecot, layout, mariadb, postfix, redisd, units, zones


class Host:
    """`with Host() as host:` All servers run when the block begins; the folder is gone after it, unless one was given.

    joins        the layout of a running host: this one is a second host of the same site, as docs/install.md tells, with a Postfix, a Dovecot and daemons of
                 its own over the other's MariaDB and Redis
    host.lay     paths and ports
    host.servers start, stop, kill and look up processes by name"""

    def __init__(self, folder=None, base=None, build=None, joins=None):
        self.lay = layout.Layout(folder, base, build, joins)
        self.servers = units.Units(self.lay.log, [self.lay.dir] if self.lay.temporary else [])

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        lay, servers = self.lay, self.servers
        accounts.make_users()
        postfix.make_queue(lay)
        accounts.make_folders(lay)
        if lay.joins:
            subprocess.run(["cp", "-a", f"{lay.joins.keys}/.", lay.keys], check=True)
        else:
            self.start_back_ends()
        daemons.write_conf(lay)
        if not lay.joins:
            daemons.cli(lay, "setup", "keys")
        mariadb.sql(lay, daemons.cli(lay, "schema", "grants"), database="")
        daemons.cli(lay, "schema", "apply")
        daemons.start_hostd(lay, servers)
        daemons.start_admin(lay, servers)
        for name in daemons.DAEMONS:
            daemons.start(lay, servers, name)
        dovecot.start(lay, servers, daemons.rendered(lay, "dovecot"))
        postfix.start(lay, servers, lambda kind: daemons.rendered(lay, kind))
        self.cli("check", "--wait", "20")

    def start_back_ends(self):
        lay, servers = self.lay, self.servers
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = [pool.submit(part, lay, servers) for part in (mariadb.start, redisd.start, zones.start, clamav.start, self.start_sink)]
            waiting.append(pool.submit(certs.make, lay))
            for part in waiting:
                part.result()

    @staticmethod
    def start_sink(lay, servers):
        servers.start("sink", ["/usr/bin/python3", layout.SOURCE / "packaging/stack/sink.py", lay.ports["sink"], lay.sink], restart=True)
        units.wait_for("sink", units.listening(("127.0.0.1", lay.ports["sink"])))

    def stop(self):
        self.servers.end()
        if self.lay.temporary:
            shutil.rmtree(self.lay.dir, ignore_errors=True)

    def cli(self, *words, **kwargs):
        return daemons.cli(self.lay, *words, **kwargs)

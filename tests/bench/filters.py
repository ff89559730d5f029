"""Ours and its peers as filters of files: each started once, then given the same messages.

A filter has `score(paths)` → {path: score} and `pids()`, the processes whose CPU time is its own; `threshold` is the score from which it calls a message
spam by itself. Each has the next message at hand when it is done with one, as under load: none pays for being woken. None asks the network. A peer that is
not installed raises Absent."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
RULES = "/usr/share/spamassassin"
WAITING = 4  # messages that a worker of rspamd has at hand


class Absent(Exception):
    """The peer is not installed."""


def need(program):
    if not shutil.which(program):
        raise Absent(program)


class Lines:
    """A resident process that takes a path a line and answers with a JSON object a line."""

    def __init__(self, args, **kwargs):
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="surrogateescape", **kwargs)

    def pids(self):
        return [self.process.pid]

    def tell(self, paths):
        for path in paths:
            self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()

    def score(self, paths):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            told = pool.submit(self.tell, paths)
            scores = {path: json.loads(self.process.stdout.readline())["score"] for path in paths}
            told.result()
        return scores

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


class Ours(Lines):
    """`mailreeve scan` with its rules as they are by default."""

    threshold = 5

    def __init__(self, folder, build, conf=""):
        path = folder / "mailreeve.conf"
        path.write_text(f'state_dir = "{folder}"\ndkim_keyring_file = ""\nhostname = mx.example.org\n{conf}\n')
        (folder / "milter").mkdir()
        subprocess.run([build / "milter/mailreeve-rules", "-c", path, "build"], check=True)  # as the daemon does it by itself
        super().__init__([build / "milter/mailreeve-scan", "-c", path, "--json", "--files-from", "-"])


class SpamAssassin(Lines):
    """Its rules and nothing else, in one Perl process."""

    threshold = 5

    def __init__(self, _folder):
        need("spamassassin")
        super().__init__(["perl", SUPPORT / "sa-hits.pl"])
        self.process.stdout.readline()  # which functions its rules call


class Rspamd:
    """Debian's configuration, its own workers on ports of their own, no resolver, Bayes in a Redis of its own when `train` gives {path: is spam}."""

    threshold = 6

    def __init__(self, folder, train=None):
        need("rspamd")
        self.dir, self.servers = folder / "rspamd", []
        self.dir.mkdir(mode=0o777)
        os.chmod(self.dir, 0o777)
        self.port = random.randrange(12000, 19000)
        (self.dir / "local.d").mkdir()
        (self.dir / "local.d/options.inc").write_text(
            f'pidfile = "{self.dir}/rspamd.pid";\ndns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.05s; retransmits = 1; }}\n'
            f'control_socket = "{self.dir}/control.sock mode=0600";\n')
        (self.dir / "local.d/logging.inc").write_text(f'type = "file";\nfilename = "{self.dir}/log";\nlevel = "error";\n')
        (self.dir / "local.d/worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{self.port}";\ncount = 1;\n')
        (self.dir / "local.d/worker-controller.inc").write_text(f'bind_socket = "127.0.0.1:{self.port + 1}";\nsecure_ip = "127.0.0.1";\n')
        (self.dir / "local.d/worker-proxy.inc").write_text("enabled = false;\n")
        for module in ("fuzzy_check", "rbl", "spf", "dkim", "dkim_signing", "arc", "dmarc", "asn", "mx_check", "phishing", "greylist", "ratelimit"):
            (self.dir / f"local.d/{module}.conf").write_text("enabled = false;\n" if module != "phishing" else "openphish_enabled = false;\n")
        redis = f"{self.dir}/redis.sock"
        (self.dir / "local.d/redis.conf").write_text(f'servers = "{redis}";\n')
        self.start(["redis-server", "--port", "0", "--unixsocket", redis, "--unixsocketperm", "777", "--save", "", "--dir", self.dir])
        folders = [option for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR") for option in ("--var", f"{name}={self.dir}")]
        try:
            self.start(["rspamd", "--no-fork", "--insecure", "--user", "root", "--group", "root", *folders])
            self.connect(self.port)
            for path, spam in (train or {}).items():
                self.learn(path, spam)
        except BaseException:
            self.stop()
            raise

    def start(self, args):
        self.servers.append(subprocess.Popen(args, stdout=subprocess.DEVNULL))

    def learner(self):
        if not hasattr(self, "control"):
            self.control = self.connect(self.port + 1)
        return self.control

    def connect(self, port):
        end = time.monotonic() + 600  # its first start compiles its patterns, with other work on the machine for minutes
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("GET", "/ping")
                if connection.getresponse().read().strip() == b"pong":
                    return connection
            except OSError:
                if time.monotonic() > end or self.servers[-1].poll() is not None:
                    raise RuntimeError(f"rspamd does not start: {(self.dir / 'log').read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.2)

    def pids(self):
        return [server.pid for server in self.servers]

    @staticmethod
    def post(connection, what, path):
        connection.request("POST", what, pathlib.Path(path).read_bytes())
        response = connection.getresponse()
        return response.status, response.read()

    def learn(self, path, spam):
        status, answer = self.post(self.learner(), "/learnspam" if spam else "/learnham", path)
        if status not in (200, 204, 208):  # 204: it is sure of that message already; 208: it has learned it before
            raise RuntimeError(f"rspamd does not learn {path}: {status} {answer}")

    def check(self, paths):
        connection = self.connect(self.port)
        return {path: json.loads(self.post(connection, "/checkv2", path)[1])["score"] for path in paths}

    def score(self, paths):
        with concurrent.futures.ThreadPoolExecutor(WAITING) as pool:
            shares = pool.map(self.check, (paths[n::WAITING] for n in range(WAITING)))
            return {path: score for share in shares for path, score in share.items()}

    def stop(self):
        for server in reversed(self.servers):
            server.terminate()
            server.wait(60)


class Bogofilter:
    """Nothing but its words, learned from `train`."""

    threshold = 0.99

    def __init__(self, folder, train):
        need("bogofilter")
        self.dir = folder / "bogofilter"
        self.dir.mkdir()
        for spam, option in ((True, "-s"), (False, "-n")):
            self.run(option, [path for path, is_spam in train.items() if is_spam == spam])

    def run(self, option, paths):
        return subprocess.run(["bogofilter", "-C", "-d", self.dir, "-b", option], input="".join(f"{path}\n" for path in paths), capture_output=True,
                              text=True, check=False).stdout

    def pids(self):
        return [os.getpid()]

    def score(self, paths):
        return {path: float(score) for path, _, score in (line.split() for line in self.run("-T", paths).splitlines())}

    def stop(self):
        pass

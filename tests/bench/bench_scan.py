"""What scanning costs: CPU seconds of all processes of a filter for the same messages, each filter resident and warm, in turn; then the way through Postfix
with the milter and with one that does nothing.

Ours with SpamAssassin's rules on, in one process (`mailreeve scan`, the code of the milter's scanners); SpamAssassin's rules in one Perl process; rspamd with
rules and Bayes. MR_MESSAGES bounds how many messages; SpamAssassin gets two fifths of them, for it takes that long."""

import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import bench_path
import corpus
import filters
import measure
from instance import Instance
from stack import daemons, host, layout, units

ROUNDS = 3
MESSAGES, SESSIONS, PATH_ROUNDS, KIND = 600, 10, 7, range(4500, 5500)  # KIND: bytes of the message that is sent
# name -> (folder of its own, {path to learn from: is spam}) -> a filter, and the share of the messages that it gets
PEERS = {"spamassassin": (lambda folder, _: filters.SpamAssassin(folder), 0.4), "rspamd": (filters.Rspamd, 1)}


def job(running, paths):
    def go():
        with measure.Run(running.pids()) as run:
            running.score(paths)
        return run
    return go


def pair(name, ours, folder, learn, paths):
    """Ours and that peer over the same messages, in turn."""
    make, share = PEERS[name]
    paths = paths[:max(1, round(share * len(paths)))]
    folder.mkdir(mode=0o755)
    try:
        peer = make(folder, learn)
    except filters.Absent as absent:
        print(f"{name}: not installed ({absent})")
        return
    try:
        results = measure.interleaved({"ours": job(ours, paths), name: job(peer, paths)}, ROUNDS)
    finally:
        peer.stop()
    mean = sum(os.path.getsize(path) for path in paths) / len(paths)
    print(f"{len(paths)} messages of {mean / 1000:.1f} kB in the mean")
    for each, (_, cpu) in results.items():
        print(f"{each:14} {1000 * cpu / len(paths):8.2f} ms of CPU a message")
    print(f"ratio scan/{name} {results[name][1] / results['ours'][1]:.1f}", flush=True)


def restart_milter(h):
    """With the rules that an ordinary site has, their databases made before, and no clamd."""
    text = h.lay.conf.read_text()
    clamd = next(line for line in text.splitlines() if line.startswith("\tclamd ="))
    h.lay.conf.write_text(text.replace("rule_files = {}", "rule_files = { mailreeve, spamassassin }").replace(clamd, ""))
    h.servers.stop("milter")
    subprocess.run([*h.lay.under, h.lay.bin / "mailreeve-rules", "-c", h.lay.conf, "build"], user="mailreeve-milter", check=True)
    daemons.start(h.lay, h.servers, "milter")


def through_postfix(message):
    """The same message over and over."""
    with host.Host(build=pathlib.Path(os.environ["MR_BUILD"])) as h:
        restart_milter(h)
        h.cli("domain", "add", layout.DOMAIN)
        h.cli("user", "add", bench_path.RECIPIENT, stdin="a good long password\n")
        socket = h.lay.dir / "noop-milter.sock"
        shutil.copy(h.lay.build / "tests/bench/noop-milter", h.lay.bin / "noop-milter")
        h.servers.start("noop-milter", [h.lay.bin / "noop-milter", socket])
        units.wait_for("noop-milter", socket.exists)
        milters = {"noop": socket, "scan": h.lay.queue / "run/mailreeve/milter/milter.sock"}
        instances = {name: Instance(h, name, offset, bench_path.BARE.format(milter=f"unix:{path}", domain=layout.DOMAIN, recipient=bench_path.RECIPIENT))
                     for offset, (name, path) in enumerate(milters.items(), 1)}
        instances["noop"].roots.append(h.servers.pid("noop-milter"))
        instances["scan"].roots += [h.servers.pid(name) for name in ("milter", "lookup", "mariadb", "redis", "unbound")]
        jobs = {name: functools.partial(i.send, MESSAGES, SESSIONS, message, bench_path.SENDER, bench_path.RECIPIENT) for name, i in instances.items()}
        results = measure.interleaved(jobs, PATH_ROUNDS)
    print(f"{MESSAGES} times a message of {os.path.getsize(message)} bytes over {SESSIONS} sessions through Postfix, median of {PATH_ROUNDS}")
    for name, (seconds, cpu) in results.items():
        print(f"{name:14} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:7.2f} ms CPU a message")
    print(f"ratio scan.path/noop {results['noop'][0] / results['scan'][0]:.3f}")
    print(f"ratio scan.path.cpu/noop {results['noop'][1] / results['scan'][1]:.3f}", flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="mr-scan-") as work:
        work = pathlib.Path(work)
        work.chmod(0o755)
        try:
            learn, judged = corpus.labelled(work)
        except corpus.Absent as absent:
            print(f"not measured: {absent}")
            return
        paths = [path for path, _ in judged[:int(os.environ.get("MR_MESSAGES", "500"))]]
        ours = filters.Ours(work, pathlib.Path(os.environ["MR_BUILD"]))
        for name in PEERS:
            pair(name, ours, work / name, dict(learn[:400]), paths)
        ours.stop()
        through_postfix(next(path for path, spam in judged if not spam and os.path.getsize(path) in KIND))


if __name__ == "__main__":
    main()

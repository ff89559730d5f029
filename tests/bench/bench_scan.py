"""What scanning costs: CPU seconds of all processes of a filter for the same messages, each filter resident and warm, in turn.

Ours with SpamAssassin's rules on, in one process (`mailreeve scan`, the code of the milter's scanners); SpamAssassin's rules in one Perl process; rspamd with
rules and Bayes. MR_MESSAGES bounds how many messages; SpamAssassin gets a tenth of them, for it takes that long."""

import os
import pathlib
import tempfile

import corpus
import filters
import measure

ROUNDS = 3
# name -> (folder of its own, {path to learn from: is spam}) -> a filter, and the share of the messages that it gets
PEERS = {"spamassassin": (lambda folder, _: filters.SpamAssassin(folder), 0.1), "rspamd": (filters.Rspamd, 1)}


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


if __name__ == "__main__":
    main()

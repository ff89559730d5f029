"""policy: what a sending limit costs. One authenticated message after the other is counted against a limit by login that is never reached: by policyd with
no check but the account's and the limit's, lookup and Redis, and by postfwd with its smallest rule for that, in its one-process and its forking form, which
know neither accounts nor other hosts. Compared are requests per CPU second of all server processes, with one and with eight clients. Then greylisting
of strangers, all of them new or too early: by policyd with every other check off, lookup and Redis, and by postgrey. Then messages through Postfix with and
without policyd. The floor of it all is a server that passes everything without a look (policy-stub.c)."""

import contextlib
import functools
import itertools
import pathlib
import selectors
import socket
import subprocess

import measure
from instance import Instance
from stack import accounts, daemons, host, layout, units

REQUESTS, USERS, CLIENTS, ROUNDS = 8000, 100, (1, 8), 5
MESSAGES, SESSIONS, BYTES, MAIL_ROUNDS = 400, 10, 4000, 11
SENDER, RECIPIENT = f"somebody@{layout.FOREIGN}", f"anna@{layout.DOMAIN}"
RULE = "id=R1; protocol_state==END-OF-MESSAGE; action=rate(sasl_username/1000000/3600/450 4.7.1 limit reached)"
# Laid over the shipped main.cf, once with policyd and once without.
PATH = """
smtpd_milters =
mailreeve_policy = {policy}
"""
PEERS = ("postfwd1", "postfwd2")
FLOOR = "stub"
KINDS = 4000  # of mail from strangers: each comes twice, too early the second time
CHECKS = ("clients", "account", "quota", "lists", "rights", "helo", "helo_domain", "helo_fqdn", "client_ptr", "client_name", "greylist", "limits", "hijack")


def user(number):
    return f"user{number % USERS}@{layout.DOMAIN}"


def stranger(number, turn):
    """As Postfix 3.7 asks about a recipient of mail that comes in."""
    kind = number % KINDS
    attributes = {
        "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "client_address": f"10.{turn}.{kind % 250}.7",
        "client_name": "client.example.net", "client_port": "50123", "reverse_client_name": "client.example.net", "server_address": "192.0.2.254",
        "server_port": "25", "helo_name": "client.example.net", "sender": f"news@{'abcdefghijklmnop'[kind // 250]}.{layout.FOREIGN}", "recipient": f"bert@{layout.DOMAIN}",
        "recipient_count": "0", "queue_id": "", "instance": f"{number:x}.65a1.{turn}", "size": "4096", "etrn_domain": "", "stress": "", "sasl_method": "",
        "sasl_username": "", "sasl_sender": "", "ccert_subject": "", "ccert_issuer": "", "ccert_fingerprint": "", "ccert_pubkey_fingerprint": "",
        "encryption_protocol": "", "encryption_cipher": "", "encryption_keysize": "0", "policy_context": "", "compatibility_level": "3.6",
        "mail_version": "3.7.11"}
    return "".join(f"{name}={value}\n" for name, value in attributes.items()).encode() + b"\n"


def request(number):
    """As Postfix 3.7 asks at the end of a submitted message."""
    attributes = {
        "request": "smtpd_access_policy", "protocol_state": "END-OF-MESSAGE", "protocol_name": "ESMTP", "client_address": f"192.0.2.{number % 250}",
        "client_name": "client.example.net", "client_port": "50123", "reverse_client_name": "client.example.net", "server_address": "192.0.2.254",
        "server_port": "587", "helo_name": "client.example.net", "sender": user(number), "recipient": f"someone{number}@{layout.ELSEWHERE}",
        "recipient_count": "1", "queue_id": f"4XyZ{number:x}", "instance": f"{number:x}.65a1.0", "size": "4096", "etrn_domain": "", "stress": "",
        "sasl_method": "PLAIN", "sasl_username": user(number), "sasl_sender": "", "ccert_subject": "", "ccert_issuer": "", "ccert_fingerprint": "",
        "ccert_pubkey_fingerprint": "", "encryption_protocol": "TLSv1.3", "encryption_cipher": "TLS_AES_256_GCM_SHA384", "encryption_keysize": "256",
        "policy_context": "", "compatibility_level": "3.6", "mail_version": "3.7.11"}
    return "".join(f"{name}={value}\n" for name, value in attributes.items()).encode() + b"\n"


def ask(path, clients, request, answers):
    """Each client has one request under way, as smtpd has."""
    waiting = selectors.DefaultSelector()
    rest = map(request, range(REQUESTS))
    for _ in range(clients):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(str(path))
        s.sendall(next(rest))
        waiting.register(s, selectors.EVENT_READ)
    while waiting.get_map():
        for key, _ in waiting.select(10):
            answer = key.fileobj.recv(4096)
            if not answer.lower().startswith(answers):
                raise RuntimeError(f"{path}: {answer!r}")
            following = next(rest, None)
            if following:
                key.fileobj.sendall(following)
            else:
                waiting.unregister(key.fileobj)
                key.fileobj.close()


def job(path, roots, clients):
    with measure.Run(roots) as run:
        ask(path, clients, request, b"action=dunno")
    return run


def grey_job(path, roots, clients, turns):
    turn = next(turns)
    with measure.Run(roots) as run:
        ask(path, clients, lambda number: stranger(number, turn), (b"action=defer_if_permit", b"action=451"))
    return run


def interleaved(job, servers, *arguments):
    return {clients: measure.interleaved({name: functools.partial(job, path, roots, clients, *arguments) for name, (path, roots) in servers.items()}, ROUNDS)
            for clients in CLIENTS}


@contextlib.contextmanager
def only(h, *checks):
    """policyd with these checks, and with no other; afterwards as it was."""
    def again():
        h.servers.stop("policyd")
        h.servers.again("policyd")
        units.wait_for("policyd", units.listening(h.lay.run / "policyd/control.sock"))

    settings = h.lay.conf.read_text()
    modes = "".join(f"\t{check}_mode = {'enforce' if check in checks else 'off'}\n" for check in CHECKS)
    h.lay.conf.write_text(settings + "policyd {\n" + modes + "}\n")
    again()
    try:
        yield
    finally:
        h.lay.conf.write_text(settings)
        again()


def roots(h):
    return [h.servers.pid(name) for name in ("policyd", "lookup", "redis", "mariadb")]


def greylist(h):
    """With the defaults of both; each run has kinds of its own."""
    folder = h.lay.dir / "postgrey"
    accounts.make_folder(folder, 0o777, "postgrey")
    path = folder / "socket"
    process = subprocess.Popen(["postgrey", f"--unix={path}", f"--dbdir={folder}", "--user=postgrey", "--privacy", f"--pidfile={folder}/pid"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        units.wait_for("postgrey", units.listening(path))
        return interleaved(grey_job, {"policyd": (h.lay.run / "policyd/policy.sock", roots(h)), "postgrey": (path, [process.pid])}, itertools.count(1))
    finally:
        process.terminate()
        process.wait()


def start_peer(h, name):
    """Its process and its socket. It goes into the background by itself."""
    folder = h.lay.dir / name
    folder.mkdir()
    folder.chmod(0o777)
    path, pid = folder / "socket", folder / "pid"
    command = [name, "--daemon", "--nodns", "--norulelog", "--proto", "unix", "--port", path, "--user", "nobody", "--group", "nogroup", "--umask", "000",
               "--pidfile", pid, "--rule", RULE]
    if name == "postfwd2":
        command += ["--cache_socket", f"unix::{folder}/cache", "--pid_file", pid]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    units.wait_for(name, lambda: path.exists() and pid.exists() and pid.read_text().strip())
    return path, int(pid.read_text())


def start_stub(h):
    """Its socket and its process."""
    path = h.lay.dir / "stub.sock"
    h.servers.start(FLOOR, [h.lay.build / "tests/bench/policy-stub", path])
    units.wait_for(FLOOR, units.listening(path))
    return path, h.servers.pid(FLOOR)


def compare(h, stub):
    for number in range(USERS):
        h.cli("user", "add", user(number), "--hash", stdin="{CRYPT}$y$j9T$aaaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n")
    h.cli("limit", "set", "user", "default", "messages", "1000000/1h")
    servers = {"policyd": (h.lay.run / "policyd/policy.sock", roots(h)), FLOOR: (stub[0], [stub[1]])}
    peers = {name: start_peer(h, name) for name in PEERS}
    servers |= {name: (path, [pid]) for name, (path, pid) in peers.items()}
    try:
        return interleaved(job, servers)
    finally:
        for name, (_, pid) in peers.items():
            subprocess.run(["kill", str(pid)], check=False)


def asked(h):
    return (h.lay.log / "policyd.log").read_text().count(f" recipient={RECIPIENT} ")


def service(socket):
    return PATH.format(policy="check_policy_service { unix:%s, timeout=20s }" % socket)


def mail(h, stub):
    h.cli("user", "add", RECIPIENT, stdin="a good long password\n")
    instances = {"with": Instance(h, "with", 1, service(h.lay.run / "policyd/policy.sock")), "bare": Instance(h, "bare", 2, PATH.format(policy="permit")),
                 FLOOR: Instance(h, FLOOR, 3, service(stub[0]))}
    for name, parts in (("with", ("lookup", "policyd", "redis")), ("bare", ("lookup",)), (FLOOR, ("lookup", FLOOR))):
        instances[name].roots += [h.servers.pid(part) for part in parts]
    jobs = {name: functools.partial(i.send, MESSAGES, SESSIONS, BYTES, SENDER, RECIPIENT) for name, i in instances.items()}
    results = measure.interleaved(jobs, MAIL_ROUNDS)
    units.wait_for("a line about each message", lambda: asked(h) == MESSAGES * (MAIL_ROUNDS + 1))
    return results


def main():
    with host.Host(build=pathlib.Path(daemons.os.environ["MR_BUILD"])) as h:
        h.cli("domain", "add", layout.DOMAIN)
        stub = start_stub(h)
        with only(h, "account", "limits"):
            report(compare(h, stub), "fastest-peer", PEERS)
        with only(h, "greylist"):
            report(greylist(h), "postgrey", ("postgrey",))
        report_mail(mail(h, stub))


def report(results, what, peers):
    for clients, sides in results.items():
        print(f"{clients} clients, {REQUESTS} requests, median of {ROUNDS}")
        for name, (seconds, cpu) in sides.items():
            print(f"{name:8} {REQUESTS / cpu:7.0f} requests a CPU second, {REQUESTS / seconds:7.0f} a second")
    for clients, sides in results.items():
        fastest, number = min(sides[name][1] for name in peers), "" if clients == 1 else clients
        if FLOOR in sides:
            print(f"{clients} clients: a server that does nothing would reach policy{number}/{what} {fastest / sides[FLOOR][1]:.1f}")
            print(f"ratio policy{number}/{FLOOR} {sides[FLOOR][1] / sides['policyd'][1]:.3f}")
        print(f"ratio policy{number}/{what} {fastest / sides['policyd'][1]:.3f}")


def report_mail(results):
    print(f"{MESSAGES} messages of {BYTES} bytes over {SESSIONS} sessions, median of {MAIL_ROUNDS}")
    for name, (seconds, cpu) in results.items():
        print(f"{name:8} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:7.2f} ms CPU a message")
    print(f"a server that does nothing would reach policy.path/bare {results['bare'][1] / results[FLOOR][1]:.3f}")
    print(f"ratio policy.path/{FLOOR} {results[FLOOR][1] / results['with'][1]:.3f}")
    print(f"ratio policy.path/bare {results['bare'][1] / results['with'][1]:.3f}")

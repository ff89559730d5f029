"""Two lookups as on two hosts, one database, one Redis: a verb that returns has been applied everywhere, or says by whom not."""

import re
import signal
import subprocess
import time

import pytest

from stack import supervise

from test_lookup import BUILD, Lookup, redis, server, site, until  # noqa: F401 (fixtures)

SLOW_POLL = {"poll_interval": "30s", "poll_late": "60s", "deadline": "2s"}   # nobody looks by himself


@pytest.fixture
def hosts(site, redis, tmp_path_factory):  # noqa: F811
    """Both follow the log and have said so to Redis. The verbs run on the second."""
    path, ask = redis
    made = []
    try:
        for name in ("one.example", "two.example"):
            made.append(Lookup(site, tmp_path_factory.mktemp("run"), hostname=name, redis_socket=path, **SLOW_POLL).start())
        until(lambda: ask("PUBSUB", "NUMSUB", "mailreeve:changed").endswith("2"))
        until(lambda: ask("ZCARD", "mailreeve:lookups") == "2")
        for host in made:
            until(lambda host=host: enabled(host, "anna") == "1" and enabled(host, "bert") == "1" and host.control("rounds") != "0")
        yield made
    finally:
        for host in made:
            host.process.send_signal(signal.SIGCONT)
            host.stop()


def enabled(lookup, who):
    said = lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")
    return next((line for line in said if line.startswith("enabled=")), "=temp").partition("=")[2]


def run(site, *words):  # noqa: F811
    began = time.monotonic()
    done = subprocess.run([BUILD / "admin/verbs/mailreeve", "-c", site.conf, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - began


@pytest.mark.rows("G03")
def test_what_a_verb_has_revoked_is_revoked_everywhere(hosts, site):  # noqa: F811
    for version in range(20):
        switch = ("--disable", "--enable")[version % 2]
        code, _, said, _ = run(site, "user", "set", "anna@example.org", switch)
        assert (code, said) == (0, "")
        for host in hosts:      # at once
            assert enabled(host, "anna") == str(version % 2)


@pytest.mark.rows("G03")
def test_who_has_not_applied_it_is_named(hosts, site, redis):  # noqa: F811
    path, ask = redis
    supervise.freeze(hosts[0].process.pid)
    code, _, said, seconds = run(site, "user", "set", "anna@example.org", "--disable")
    assert code == 0 and re.search(r"done, but not yet applied by one\.example \(last heard of \d+ s ago\)$", said.strip()), said
    assert 1.9 < seconds < 10
    assert enabled(hosts[1], "anna") == "0"
    code, _, said, _ = run(site, "user", "set", "bert@example.org", "--disable", "--wait", "1")
    assert code == 3 and "one.example" in said and "two.example" not in said
    hosts[0].process.send_signal(signal.SIGCONT)
    until(lambda: enabled(hosts[0], "anna") == "0" and enabled(hosts[0], "bert") == "0")
    # One that went away without a word long ago: named, not waited for, until somebody says that it is gone for good.
    ask("ZADD", "mailreeve:lookups", str(int(time.time()) - 400), "lost.example")
    code, _, said, seconds = run(site, "user", "set", "anna@example.org", "--enable", "--wait", "60")
    assert code == 3 and re.search(r"lost\.example \(last heard of 40\d s ago\)", said) and "one.example" not in said
    assert seconds < 30
    assert run(site, "sync", "--forget", "lost.example")[0] == 0
    assert run(site, "sync", "--forget", "lost.example")[0] == 1
    assert run(site, "user", "set", "anna@example.org", "--disable", "--wait", "60")[:3] == (0, "", "")


@pytest.mark.rows("G03")
def test_without_redis_the_own_lookup_is_waited_for(site, tmp_path_factory):  # noqa: F811
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), **SLOW_POLL).start()
    try:
        until(lambda: enabled(lookup, "anna") == "1" and lookup.control("rounds") != "0")
        for version in range(6):
            assert run(site, "user", "set", "anna@example.org", ("--disable", "--enable")[version % 2])[:3] == (0, "", "")
            assert enabled(lookup, "anna") == str(version % 2)
        lookup.configure(redis_socket="/nowhere/redis.sock")
        code, _, said, _ = run(site, "user", "set", "anna@example.org", "--disable")
        assert code == 0 and "other hosts, which cannot be asked: /nowhere/redis.sock" in said
        assert enabled(lookup, "anna") == "0"
    finally:
        lookup.stop()


def test_an_orderly_end_is_no_absence(hosts, site, redis):  # noqa: F811
    path, ask = redis
    hosts[0].stop()
    try:
        assert ask("ZRANGE", "mailreeve:lookups", "0", "-1") == "two.example"
        assert run(site, "user", "set", "anna@example.org", "--disable", "--wait", "30")[:3] == (0, "", "")
    finally:
        hosts[0].start()


@pytest.mark.rows("F202")
def test_sync_has_everything_read_anew(hosts, site):  # noqa: F811
    site.sql("UPDATE mailbox SET enabled = 0 WHERE address = 'anna@example.org'")    # behind our back
    assert [enabled(host, "anna") for host in hosts] == ["1", "1"]
    code, said, missing, _ = run(site, "sync")
    assert code == 0 and sorted(said.split()) == ["one.example", "two.example"] and missing == ""
    assert [enabled(host, "anna") for host in hosts] == ["0", "0"]
    supervise.freeze(hosts[0].process.pid)
    code, said, missing, _ = run(site, "sync", "--wait", "1")
    assert code == 1 and said.split() == ["two.example"] and "one.example" in missing


@pytest.mark.rows("F110", "F202")
def test_all_data_of_redis_is_lost(hosts, site, redis):  # noqa: F811
    path, ask = redis
    hosts[0].report("anna@example.org", 4711)
    hosts[1].report("bert@example.org", 815)
    until(lambda: ask("HLEN", "mailreeve:usage") == "2")
    ask("FLUSHALL")
    until(lambda: ask("HGET", "mailreeve:usage", "anna@example.org") == "4711 1" and ask("HGET", "mailreeve:usage", "bert@example.org") == "815 1")
    until(lambda: ask("ZCARD", "mailreeve:lookups") == "2")
    assert run(site, "user", "set", "anna@example.org", "--disable", "--wait", "10")[:3] == (0, "", "")
    assert [enabled(host, "anna") for host in hosts] == ["0", "0"]

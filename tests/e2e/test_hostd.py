"""The one part that runs as root: who may ask it, for what, and what it leaves alone."""

import contextlib
import json
import os
import shutil

import mailhost
import pytest
from stack import layout, mail, postfix

PARTNER = "someone@" + layout.ELSEWHERE


def ask(stack, request, user="root"):
    return mailhost.ask(stack.lay.run / "hostd/hostd.sock", request, user)


def waiting(stack, user):
    """The one message of this user that waits, once it does."""
    found = mail.wait_until(lambda: [m for m in postfix.queue(stack.lay) if m["sender"] == user and m["queue_name"] in ("active", "deferred", "hold")])
    assert len(found or ()) == 1, found
    return found[0]


def other_ids(queue_id, numbers):
    """As this one, but with these numbers, all of one length, at the end: the id's own end may be one of them."""
    digits = len(str(numbers[0]))
    return [name for name in (queue_id[:-digits] + str(number) for number in numbers) if name != queue_id]


@pytest.mark.rows("G14")
def test_queue(stack):
    """Held, released, deleted: this message and no other."""
    user, other = stack.user(), stack.user()
    with stack.without("sink"):
        kept, gone = stack.submit(user, PARTNER), stack.submit(other, PARTNER)
        mine, theirs = waiting(stack, user)["queue_id"], waiting(stack, other)["queue_id"]
        assert stack.cli("queue", "hold", mine).strip() == "1 message"
        assert waiting(stack, user)["queue_name"] == "hold" and waiting(stack, other)["queue_name"] != "hold"
        listed = {m["queue_id"]: m for m in json.loads(stack.cli("queue", "list", "--json"))}
        assert listed[mine]["queue_name"] == "hold" and theirs in listed
        assert [m["queue_id"] for m in json.loads(stack.cli("queue", "list", "--sender", user, "--json"))] == [mine]
        assert mine in stack.cli("queue", "list") and theirs not in stack.cli("queue", "list", "--sender", user)
        assert stack.cli("queue", "delete", theirs).strip() == "1 message"
        assert stack.cli("queue", "hold", theirs).strip() == "0 messages"
        assert stack.cli("queue", "release", mine).strip() == "1 message"
    postfix.flush(stack.lay)
    stack.client.sunk(kept)
    assert not any(gone.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml"))


@pytest.mark.rows("G14")
def test_a_queue_longer_than_an_answer(stack):
    """All that a sender has is held, whatever the queue has beside; only the listing of it all is refused, with the reason."""
    user, other = stack.user(), stack.user()
    crowd = [f"{number:04}-{'x' * 50}@{layout.ELSEWHERE}" for number in range(1000)]
    copies = []
    with stack.without("sink"):
        stack.submit(user, PARTNER)
        postfix.sendmail(stack.lay, mail.message(other, PARTNER), *crowd, sender=other)
        mine, big = waiting(stack, user), waiting(stack, other)
        found = mail.wait_until(lambda: list((stack.lay.queue / "deferred").rglob(big["queue_id"])), 60)[0]
        try:
            for name in other_ids(found.name, range(100, 350)):  # 84 kB each in the listing
                copies.append(found.with_name(name))
                shutil.copy2(found, copies[-1])
                shutil.chown(copies[-1], "postfix", "postfix")
                os.utime(copies[-1], (2**32, 2**32))  # the queue manager leaves it alone until then
            listed = ask(stack, "list")
            assert "more messages than an answer takes" in listed, len(listed)
            assert ask(stack, f"hold-sender {user}") == "changed=1\nok\n"
            assert mine["queue_id"] in ask(stack, f"list {user}")
            # The last one may be on its way from one queue to the other, where postsuper misses it.
            assert ask(stack, f"hold-sender {other}") in (f"changed={len(copies) + left}\nok\n" for left in (0, 1))
            assert not any(path.exists() for path in copies)
            assert ask(stack, f"release-sender {user}") == "changed=1\nok\n"
        finally:
            for held in (stack.lay.queue / "hold").rglob(f"{found.name[:-3]}*"):
                held.unlink()
            for path in (found, *copies):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def copies(stack, message, names, damaged=False):
    """A message that waits, once more under each of these names, which the queue manager leaves alone; or the first part of it, which is listed, too."""
    found = mail.wait_until(lambda: list((stack.lay.queue / "deferred").rglob(message["queue_id"])), 60)[0]
    folder = found.parent
    first = folder / names[0]
    shutil.copy2(found, first)
    if damaged:
        os.truncate(first, found.read_bytes().index(b"log_client_port"))
    shutil.chown(first, "postfix", "postfix")
    os.utime(first, (2**32, 2**32))
    try:
        for name in names[1:]:
            os.link(first, folder / name)
        yield
    finally:
        for name in names:
            (folder / name).unlink(missing_ok=True)
            (stack.lay.queue / "hold" / name).unlink(missing_ok=True)


@pytest.mark.rows("G14")
def test_damaged_queue_files(stack):
    """They are passed over, and nothing but them: what came with the log-in is found among the others."""
    user, other = stack.user(), stack.user()
    with stack.without("sink"):
        for _ in range(3):
            stack.submit(user, PARTNER, sender="")
        stack.submit(other, PARTNER)
        theirs = waiting(stack, other)
        mail.wait_until(lambda: len([m for m in postfix.queue(stack.lay) if m["queue_name"] == "deferred"]) >= 4)
        names = other_ids(theirs["queue_id"], range(10, 20))
        with copies(stack, theirs, names, damaged=True):
            assert set(names) < {m["queue_id"] for m in postfix.queue(stack.lay)}
            assert ask(stack, f"hold-sender {user}") == "changed=3\nok\n"
            assert [json.loads(line)["queue_name"] for line in ask(stack, f"list {user}").splitlines()[:-1]] == ["hold"] * 3
        assert ask(stack, f"release-sender {user}") == "changed=3\nok\n"
    postfix.flush(stack.lay)


@contextlib.contextmanager
def short_turns(stack):
    """hostd looks at log-ins for a tenth of a second a request."""
    before = stack.lay.conf.read_text()
    stack.lay.conf.write_text(before + "hostd {\n\tlook_time = 100ms\n}\n")
    try:
        with stack.without("hostd"):
            pass
        yield
    finally:
        stack.lay.conf.write_text(before)
        with stack.without("hostd"):
            pass


@pytest.mark.rows("G14")
def test_a_queue_too_long_for_one_turn(stack):
    """What goes under the user's own address is held at once; what came with the log-in is found turn by turn, and every part that asks goes on until all
    was looked at: the verbs, and lookup by itself."""
    user, other = stack.user(), stack.user()
    before = {m["queue_id"] for m in postfix.queue(stack.lay)}

    def held(*owners):
        return sum(m["queue_name"] == "hold" and m["sender"] in owners for m in postfix.queue(stack.lay))

    def null_sender():
        queued = (m for m in postfix.queue(stack.lay) if m["queue_id"] not in before)
        return [m for m in queued if (m["sender"], m["queue_name"]) == ("MAILER-DAEMON", "deferred")]

    with short_turns(stack), stack.without("sink"):
        stack.submit(other, PARTNER)
        theirs = waiting(stack, other)
        stack.submit(user, PARTNER)
        own = waiting(stack, user)
        stack.submit(user, PARTNER, sender="")
        null = mail.wait_until(null_sender, 60)
        assert len(null) == 1 and null[0]["queue_id"] > theirs["queue_id"]
        with copies(stack, theirs, other_ids(theirs["queue_id"], range(10000, 18000))):
            first = ask(stack, f"hold-sender {user}")
            assert first.startswith("changed=1\nmore=") and first.endswith("\nok\n")
            more = first.split("more=")[1].split("\n")[0]
            second = ask(stack, f"hold-sender {user} {more}")
            assert second.startswith("changed=0\nmore=") and second.split("more=")[1] > more
            assert (held(user), held("MAILER-DAEMON")) == (1, 0)
            assert stack.cli("queue", "hold", "--sender", user).strip() == "1 message"
            assert (held(user), held("MAILER-DAEMON")) == (1, 1)
            assert {m["queue_id"] for m in json.loads(stack.cli("queue", "list", "--sender", user, "--json"))} == {own["queue_id"], null[0]["queue_id"]}
            assert stack.cli("queue", "release", "--sender", user).strip() == "2 messages"
            said = stack.cli("user", "lock", user)
            assert "queued messages on hold: 2\n" in said and "goes on" not in said
            assert mail.wait_until(lambda: f'asked="hold-sender {user} ' in stack.log("lookup"))
            assert "queued messages on hold: 2 " in stack.cli("user", "unlock", user)
        assert stack.cli("queue", "release", "--sender", user).strip() == "2 messages"
    postfix.flush(stack.lay)


@pytest.mark.rows("G14")
def test_who_may_ask_for_what(stack):
    user = stack.user()
    assert ask(stack, "list").endswith("ok\n")
    assert ask(stack, f"kick {user}", "mailreeve-lookup") == "kicked=0\nok\n"
    assert ask(stack, f"hold-sender {user}", "mailreeve-lookup") == "changed=0\nok\n"
    assert ask(stack, "sessions", "mailreeve-lookup").endswith("ok\n")
    for request in ("list", f"release-sender {user}", "hold ABCDEF", "release ABCDEF", "delete ABCDEF"):
        assert ask(stack, request, "mailreeve-lookup") == "error not allowed\n", request
    assert "Permission" in ask(stack, "list", "mailreeve-policyd") and "Permission" in ask(stack, "list", "nobody")


@pytest.mark.rows("G14")
def test_the_uid_counts_where_the_folder_does_not(stack):
    """Were the socket open to everybody by mistake, nobody would gain anything."""
    with mailhost.open_to_all(stack.lay.run / "hostd/hostd.sock"):
        for user in ("nobody", "postfix", "vmail", "mailreeve-policyd", "mailreeve-milter"):
            for request in ("list", "sessions", "kick anna@example.org", "delete ABCDEF"):
                assert ask(stack, request, user) == "error not allowed\n"
    log = (stack.lay.log / "hostd.log").read_text()
    assert 'verb=delete arg=ABCDEF result="not allowed"' in log


@pytest.mark.rows("G14")
@pytest.mark.parametrize("request_line, said", [
    ("kick *", "no @"), ("kick *@example.org", "local part"), ("kick 127.0.0.1", "no @"), ("kick -h@example.org -x", ""), ("delete ALL", "not an id"),
    ("delete ALL deferred", "not an id"), ("hold -", "not an id"), ("release ../active/ABCDEF", "not an id"), ("reload postfix", "unknown request"),
    ("", "no request"), ("kick a\tb@example.org", "no request"), ("list everything", "no @"), ("hold", "which message")])
def test_odd_requests(stack, request_line, said):
    answer = ask(stack, request_line)
    assert answer.startswith("error ") and said in answer, answer
    assert ask(stack, "list").endswith("ok\n")


@pytest.mark.rows("G14")
def test_a_request_without_an_end(stack):
    """It is answered or cut off, and costs nobody else anything."""
    assert not ask(stack, "x" * 100000).endswith("ok\n")
    assert ask(stack, "list").endswith("ok\n")

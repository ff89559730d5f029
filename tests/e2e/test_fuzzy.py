"""Messages that somebody has shown to mailreeve fuzzy, and varied copies of them through the real Postfix; Redis away, stuck and flushed."""

import contextlib
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from stack import layout, mail, supervise
from test_filter import setting, tell

STRANGER = "stranger@" + layout.FOREIGN
FILE = os.urandom(5000)
WORDS = """the office that looks after your letters has seen that seven of them could not be brought to you because the room behind the door is full and
nobody has cleared it since spring so please take a minute of your time follow the path below and say that you would like to go on as before at no further
cost we thank you for your patience and remain with kind regards until we meet again under the old tree where the bus from the valley stops each hour"""


def spam(name="customer", number=4711, sentence=""):
    """A copy of it, as the next customer gets it."""
    return f"Dear {name},\n\nyour case {number}: {WORDS}\n{sentence}\nhttps://{mail.new_mark()}.example.org/{number}\n"


def half():
    """Some other message around much of its text."""
    return " ".join(WORDS.split()[:64]) + "\nand now something that nobody has said before, about ships and snow\n"


OTHER = "Dear Martha,\n\nthe walk on Sunday begins at the mill behind the church. Bring good shoes and something to drink, and tell Ben until Friday.\n"


@pytest.fixture(name="fuzzy")
def _fuzzy(stack, tmp_path):
    """The verb: it is shown texts, or whole messages; (exit code, standard output, standard error). Afterwards nothing is known."""
    shown = []

    def run(word, *messages, flags=()):
        files = []
        for m in messages:
            files.append(tmp_path / f"{len(shown)}.eml")
            files[-1].write_bytes(m if isinstance(m, bytes) else mail.message(STRANGER, "somebody@else.example", body=m).replace(b"\r\n", b"\n"))
            shown.append(files[-1])
        return verb(stack, word, *flags, *files)
    yield run
    for message in shown:
        verb(stack, "forget", message)


def verb(stack, *words, **kwargs):
    done = subprocess.run([stack.lay.bin / "mailreeve-fuzzy", "-c", stack.lay.conf, *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          **kwargs)
    return done.returncode, done.stdout, done.stderr


def result(stack, user, body=None, **kwargs):
    """What the filter has found in a message that has come in."""
    mark = mail.new_mark()
    stack.inbound(user, content=kwargs.get("content", lambda mark: mail.message(STRANGER, user, body=body, mark=mark))(mark))
    for folder in ("INBOX", "Junk"):
        with contextlib.suppress(AssertionError):
            return str(stack.arrived(user, mark, folder=folder, seconds=5)["X-Spam-Result"])
    raise AssertionError("it has not arrived")


def soon(stack, user, body, symbol):
    """A milter that knew of nothing hears of the first message within a second."""
    return mail.wait_until(lambda: symbol in result(stack, user, body))


def test_a_varied_copy(stack, fuzzy):
    user = stack.user("--junk-score", "500", "--reject-score", "1000")
    assert "FUZZY" not in result(stack, user, spam())
    code, out, err = fuzzy("add", spam())
    assert code == 0 and "text, 32 of 32, weight 1" in out, (out, err)
    assert soon(stack, user, spam("Anna", 12, "This one has another sentence for you."), "FUZZY_TEXT(5.00)")
    assert "FUZZY_TEXT_LIKE(2.00)" in result(stack, user, half())
    assert "FUZZY" not in result(stack, user, OTHER)
    mark = stack.submit(user, stack.probe, body=spam("of our own"))     # what we send is compared as well
    stack.arrived(stack.probe, mark)
    assert stack.log("milter").count("FUZZY_TEXT(5.00)") >= 2
    assert "weight 1" in fuzzy("check", spam("Ben"))[1]
    with setting(stack, "fuzzy_weight = 3"):
        assert "FUZZY" not in result(stack, user, spam())
        assert "weight 3" in fuzzy("add", spam("Carl"), flags=("--weight", "2"))[1]
        assert "FUZZY_TEXT(5.00)" in result(stack, user, spam())
    with setting(stack, "fuzzy = no"):
        assert "FUZZY" not in result(stack, user, spam())
    with setting(stack, "fuzzy_text_score = 8.5"):
        assert "FUZZY_TEXT(8.50)" in result(stack, user, spam())
    assert "forgotten: text" in fuzzy("forget", spam("Dora"))[1]
    assert "FUZZY" not in result(stack, user, spam())
    assert "not known" in fuzzy("check", spam())[1]


def test_an_attached_file(stack, fuzzy):
    """Whatever its name and the text around it are."""
    user = stack.user("--junk-score", "500", "--reject-score", "1000")
    code, out, err = fuzzy("add", mail.with_file(STRANGER, "x@else.example", "a.bin", FILE))
    assert code == 0 and "attached file, weight 1" in out and "text" not in out, (out, err)

    def found(content):
        return result(stack, user, content=lambda mark: mail.with_file("another@" + layout.FOREIGN, user, "other.pdf", content, mark=mark))
    assert mail.wait_until(lambda: "FUZZY_FILE(5.00)" in found(FILE))
    assert "FUZZY" not in found(FILE + b".")


def test_mail_flows_without_redis(stack, fuzzy):
    """Stopped, empty, and hanging: no symbol, and no message waits for more than a second or is lost."""
    user = stack.user("--junk-score", "500", "--reject-score", "1000")
    fuzzy("add", spam())
    assert soon(stack, user, spam(), "FUZZY_TEXT")
    with stack.without("redis"):
        assert "FUZZY" not in result(stack, user, spam())
        code, out, err = fuzzy("add", spam())
        assert code == 1 and not out and "redis" in err.lower() and err.count("\n") == 1, err
    assert "FUZZY" not in result(stack, user, spam())       # it has lost everything
    fuzzy("add", spam())
    assert soon(stack, user, spam(), "FUZZY_TEXT")
    before = stack.log("milter").count("message-deadline")
    supervise.freeze(stack.servers.pid("redis"))
    try:
        with ThreadPoolExecutor() as pool:
            found = pool.submit(result, stack, user, spam())
            while not found.done() and " fuzzy" not in tell(stack, "waiting"):
                pass
            assert not found.done(), "nobody said what it waited for"
            assert "FUZZY" not in found.result()
            assert stack.log("milter").count("message-deadline") == before
    finally:
        stack.servers.kill("redis", signal.SIGCONT)
    assert soon(stack, user, spam(), "FUZZY_TEXT")


def test_what_the_verb_says(stack, fuzzy, tmp_path):
    """What cannot be is said, and the others are gone on with."""
    good, short = tmp_path / "good", tmp_path / "short"
    good.write_bytes(mail.message(STRANGER, "x@else.example", body=spam()))
    short.write_bytes(mail.message(STRANGER, "x@else.example", body="Hello.\n"))
    code, out, err = verb(stack, "add", tmp_path / "nowhere", short, good)
    assert code == 1 and f"{good}: text, 32 of 32, weight 1\n" == out
    assert f"{tmp_path}/nowhere: No such file" in err and f"{short}: has too little text" in err and err.count("\n") == 2, err
    code, out, _ = verb(stack, "check", "--files-from", "-", input=f"{good}\n{good}\n")
    assert code == 0 and out == 2 * f"{good}: text, 32 of 32, weight 1\n"
    code, out, err = verb(stack, "forget", "--files-from", tmp_path / "no-list", good)
    assert code == 1 and "forgotten" in out and "no-list: No such file" in err
    for words in ((), ("learn", good), ("add",), ("add", "--weight", "0", good), ("add", "--weight", "x", good), ("forget", "--weight", "2", good)):
        code, out, err = verb(stack, *words)
        assert code == 2 and "usage:" in err and not out, words
    alone = tmp_path / "alone.conf"
    alone.write_text('redis_socket = ""\nredis_address = ""\n')
    done = subprocess.run([stack.lay.bin / "mailreeve-fuzzy", "-c", alone, "check", good], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "no Redis is configured" in done.stderr

"""An account that is misused, stopped in one step: log-ins, submission and queued mail; what comes in is delivered all the while."""

import json
import re

import pytest
from stack import layout, mariadb


def shown(stack, user):
    return json.loads(stack.cli("user", "show", user, "--json"))


def changes(stack, user):
    """What the change log says of it."""
    return mariadb.sql(stack.lay, f"SELECT what FROM v_change WHERE name = '{user}' AND age < 3600 ORDER BY id").split()


def test_lock_is_kept_with_its_reason(stack):
    """Once, with its time and the first reason."""
    user = stack.user()
    assert "is locked" in stack.cli("user", "lock", user.upper(), "--reason", "sends ”spam“")
    assert "locked already" in stack.cli("user", "lock", user, "--reason", "another reason")
    account = shown(stack, user)
    assert account["locked"] and account["enabled"] and account["locked_reason"] == "sends ”spam“" and re.match(r"\d{4}-\d\d-\d\d ", account["locked_at"])
    assert "sends ”spam“" in stack.cli("user", "show", user)
    assert mariadb.sql(stack.lay, f"SELECT locked FROM v_mailbox WHERE address = '{user}'").split() == ["1"]
    assert "not locked any more" in stack.cli("user", "unlock", user)
    assert "was not locked" in stack.cli("user", "unlock", user)
    assert not shown(stack, user)["locked"] and shown(stack, user)["locked_reason"] is None
    stack.cli("user", "set", user, "--disable")
    assert changes(stack, user) == ["add", "lock", "unlock", "disable"]
    stack.cli("user", "del", user)


@pytest.mark.parametrize("words, said", [
    (["nobody@" + layout.DOMAIN], "there is no user nobody@" + layout.DOMAIN), (["a@nowhere.example"], "there is no domain nowhere.example"),
    (["a"], "no @"), (["a@example.org", "--reason", ""], "1 to 200 bytes"), (["a@example.org", "--reason", "x" * 201], "1 to 200 bytes"),
    (["a@example.org", "--reason", "two\nlines"], "one line"), (["a@example.org", "--reason", b"\xff"], "not UTF-8")])
def test_lock_refused(stack, words, said):
    done = stack.cli("user", "lock", *words, check=False)
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1, done

"""Spam rules in SpamAssassin's language, through the real Postfix: what they hit is scored; what is wrong in them is told and changes nothing."""

import json
import pathlib
import subprocess

import pytest
from stack import admin, layout, mail, zones
from test_filter import setting, tell

ANNA, = map(admin.address, ("anna",))
PHRASE = "quagmire of tangerine velvet"
RULES = f"""
header   __E2E_SUBJECT  Subject =~ /\\S/
body     __E2E_PHRASE   /\\b{PHRASE.replace(" ", "(?: )")}\\b/i
meta     E2E_PHRASE     __E2E_SUBJECT && __E2E_PHRASE && !__E2E_GONE
describe E2E_PHRASE     What nobody says
score    E2E_PHRASE     8.5
"""
# Enough patterns over one text for a database to be built: those that may begin with anything.
MORE = "".join(f"body __E2E_{i} /\\w+ said {i}/\nmeta E2E_{i} __E2E_{i}\n" for i in range(8))


@pytest.fixture
def rules(stack):
    """A rule file that the milter may read."""
    path = stack.lay.dir / "e2e-rules.cf"
    path.write_text(RULES)
    path.chmod(0o644)
    yield path
    path.unlink()


def run(stack, *words):
    return subprocess.run([stack.lay.bin / "mailreeve-rules", "-c", stack.lay.conf, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.rows("G18")
def test_a_rule_scores(stack, rules):
    with setting(stack, f"rule_files = {{{rules}}}"):
        mark = stack.inbound(ANNA, body=f"The {PHRASE}!\n")
        got = stack.arrived(ANNA, mark, folder="Junk")
        assert got["X-Spam"] == "Yes"
        assert "E2E_PHRASE(8.50)" in stack.log("milter")
        assert json.loads(stack.cli("scan", "--history", got["X-Spam-Queue-Id"]))["descriptions"]["E2E_PHRASE"] == "What nobody says"
        stack.arrived(ANNA, stack.inbound(ANNA, body="The quagmire!\n"))
    stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"))


@pytest.mark.rows("G18")
def test_a_database_changes_nothing(stack, rules):
    """It is built in the background; rules hit before it is there, while it is, and when it was read from the disk."""
    rules.write_text(RULES + MORE)
    with setting(stack, f"rule_files = {{{rules}}}"):
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"), folder="Junk")
        assert mail.wait_until(lambda: "spam-rules-built" in stack.log("milter"))
        for _ in range(2):
            stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"), folder="Junk")
            stack.arrived(ANNA, stack.inbound(ANNA, body="The quagmire!\n"))
            assert tell(stack, "reload").endswith("ok\n")
    assert list((stack.lay.state / "milter/rules").glob("*.prefilter"))
    assert "spam-rules-slow" not in stack.log("milter")


@pytest.mark.rows("G18")
def test_wrong_rules_are_refused(stack, rules):
    with setting(stack, f"rule_files = {{{rules}}}"):
        rules.write_text(RULES + "body E2E_BROKEN /(never/\n")
        answer = tell(stack, "reload")
        assert f"{rules}:7: E2E_BROKEN: regular expression" in answer and "ok\n" not in answer
        said = run(stack, "check")
        assert said.returncode == 1 and f"{rules}:7: E2E_BROKEN: regular expression" in said.stderr
        # The old ones are in force.
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"), folder="Junk")
        rules.write_text(RULES)


@pytest.mark.rows("G18")
def test_the_verb_tells(stack, rules, tmp_path):
    rules.write_text(RULES + "header E2E_OTHER eval:check_something_of_tomorrow()\nmeta E2E_NEEDS E2E_OTHER\n" + "report one\nreport two\n")
    letter = tmp_path / "letter"
    letter.write_bytes(mail.message("a@" + layout.FOREIGN, ANNA, body=f"The {PHRASE}!\n"))
    with setting(stack, f"rule_files = {{{rules}}}"):
        listed = run(stack, "list").stdout
        assert f"{rules}:7: E2E_OTHER: eval:check_something_of_tomorrow() is not supported\n" in listed
        assert f"{rules}:8: E2E_NEEDS: needs E2E_OTHER, which is not supported\n" in listed
        assert listed.count("report: a setting that means nothing here\n") == 1
        assert listed.endswith("5 rules, 3 runs, 0 no score, 0 off, 0 unneeded, 2 not supported\n")
        tested = run(stack, "test", "-a", letter).stdout.splitlines()
        assert f"__E2E_PHRASE\t0.000\t1\t{PHRASE}" in tested and "E2E_PHRASE\t8.500\t1\t" in tested
        assert tested[-1] == f"{letter}: 8.500"
        assert "\t  8.50 E2E_PHRASE: What nobody says\n" in stack.cli("scan", letter)
        assert json.loads(stack.cli("scan", "--json", letter))["descriptions"]["E2E_PHRASE"] == "What nobody says"


@pytest.mark.rows("G18")
def test_plugins_that_are_not_here(stack, rules):
    """An administrator's file that counts on them is told so, line by line, and the rest of it counts."""
    left_out = {"shortcircuit E2E_PHRASE on": "shortcircuit: a setting that means nothing here",
                "ok_languages en de": "ok_languages: a setting that means nothing here",
                "olemacro_num_mime 10": "olemacro_num_mime: a setting that means nothing here",
                "body E2E_LANGUAGE eval:check_language()": "E2E_LANGUAGE: eval:check_language() is not supported",
                "body E2E_MACRO eval:check_olemacro()": "E2E_MACRO: eval:check_olemacro() is not supported",
                "body E2E_PDF eval:pdf_count('1','1')": "E2E_PDF: eval:pdf_count() is not supported",
                "meta E2E_BOTH E2E_MACRO && E2E_PHRASE": "E2E_BOTH: needs E2E_MACRO, which is not supported"}
    plugins = "".join(f"loadplugin Mail::SpamAssassin::Plugin::{name}\n" for name in ("Shortcircuit", "TextCat", "OLEVBMacro", "PDFInfo"))
    rules.write_text(RULES + plugins + "\n".join(left_out) + "\n")
    first = len((RULES + plugins).splitlines()) + 1
    with setting(stack, f'rule_files = {{"spamassassin", {rules}}}'):
        checked = run(stack, "check")
        assert checked.returncode == 0 and not checked.stderr, checked.stderr
        told = checked.stdout.splitlines()[:-1]
        assert sorted(told) == sorted(f"{rules}:{first + number}: {text}" for number, text in enumerate(left_out.values()))
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"), folder="Junk")


@pytest.mark.rows("G18")
def test_what_spf_proves(stack, rules):
    """Who is welcome with proof is welcome with proof only; rules over SPF's results know them."""
    rules.write_text(RULES + f"""header   E2E_SPF      eval:check_for_spf_pass()
tflags   E2E_SPF      net
meta     E2E_PROVEN   E2E_SPF && E2E_PHRASE
score    E2E_PROVEN   0.25
header   E2E_WELCOME  eval:check_for_spf_welcomelist_from()
tflags   E2E_WELCOME  net nice
score    E2E_WELCOME  -9
whitelist_auth        *@{layout.FOREIGN}
""")
    with setting(stack, f"rule_files = {{{rules}}}"):
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n", source=zones.FOREIGN_ADDRESS))
        assert "E2E_PHRASE(8.50),E2E_PROVEN(0.25),E2E_WELCOME(-9.00)" in stack.log("milter")
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n", source="127.0.0.66"), folder="Junk")


@pytest.mark.rows("G18")
def test_those_of_the_package(stack):
    """They load without an error, and mail is scored by them at once."""
    with setting(stack, "rule_files = {spamassassin}"):
        checked = run(stack, "check")
        assert checked.returncode == 0 and not checked.stderr, checked.stderr
        assert int(checked.stdout.split()[0]) > 2000
        mark = mail.new_mark()
        letter = (f"From: a@{layout.FOREIGN}\r\nTo: {ANNA}\r\nMessage-ID: <{mark}@{layout.FOREIGN}>\r\n"
                  f"Subject: get cheap viagra now, {mark}\r\n\r\nDear friend,\r\nBuy Viagra. 100% free of risk.\r\n")
        stack.inbound(ANNA, content=letter.encode())
        mail.wait_until(lambda: stack.client.fetch(ANNA, admin.PASSWORD, mark) or stack.client.fetch(ANNA, admin.PASSWORD, mark, "Junk"))
        assert "SUBJ_BUY(" in stack.log("milter") or "MISSING_DATE(" in stack.log("milter")


def scores(stack, *paths):
    """{rule: its score}, of rules read from there."""
    lines = [line.split("\t") for line in run(stack, "list", "-a", *paths).stdout.splitlines()]
    return {line[0]: float(line[3]) for line in lines if len(line) > 3}


@pytest.mark.rows("G18")
def test_scores_for_those_of_the_package(stack, rules):
    """Where it leaves rules without a score ours count, for all of them; the site's word is the last."""
    if pathlib.Path("/var/lib/spamassassin/4.000001/updates_spamassassin_org.cf").exists():
        pytest.skip("sa-update's scores count")
    given = [line.split() for line in (layout.SOURCE / "milter/rules/scores.cf").read_text().splitlines() if line.startswith("score ")]
    alone, both = scores(stack, "spamassassin"), scores(stack, "mailreeve", "spamassassin")
    assert len(given) > 300 and all(both[name] == float(score) for _, name, score in given)
    assert alone["HEADER_FROM_DIFFERENT_DOMAINS"] == 1 and both["HEADER_FROM_DIFFERENT_DOMAINS"] < 0.5
    rules.write_text("score HEADER_FROM_DIFFERENT_DOMAINS 2\n")
    assert scores(stack, "mailreeve", "spamassassin", rules)["HEADER_FROM_DIFFERENT_DOMAINS"] == 2

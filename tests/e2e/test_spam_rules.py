"""Spam rules in SpamAssassin's language, through the real Postfix: what they hit is scored; what is wrong in them is told and changes nothing."""

import base64
import json
import pathlib
import re
import subprocess

import pytest
from stack import admin, layout, mail, zones
from test_filter import setting, smime, tell

ANNA, = map(admin.address, ("anna",))
PHRASE = "quagmire of tangerine velvet"
RULES = f"""
header   __E2E_SUBJECT  Subject =~ /\\S/
body     __E2E_PHRASE   /\\b{PHRASE.replace(" ", "(?: )")}\\b/i
meta     E2E_PHRASE     __E2E_SUBJECT && __E2E_PHRASE && !__E2E_GONE
describe E2E_PHRASE     What nobody says
score    E2E_PHRASE     8.5
"""
GONE = "{}:4: E2E_PHRASE: counts it as 0: __E2E_GONE is defined nowhere"
# Enough patterns over one text for a database to be built: nothing is known of how their matches begin or what they contain.
MORE = "".join(f"body __E2E_{i} /\\w+ \\w{{{40 + i}}} \\w/\nmeta E2E_{i} __E2E_{i}\n" for i in range(8))


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
def test_a_rule_sees_what_is_signed_in_one_file(stack, rules):
    """Mail programs show the text of smime.p7m, so rules of the site and lists see it; SpamAssassin's own rules do not."""
    with setting(stack, f"rule_files = {{{rules}}}"):
        letter = f"Content-Type: text/html\n\n<p>The {PHRASE}! <a href='http://192.0.2.7/pay'>here</a></p>\n".encode()
        headers = ["MIME-Version: 1.0", "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "Content-Transfer-Encoding: base64"]
        mark = stack.inbound(ANNA, body=base64.encodebytes(smime("-sign", "-nodetach", data=letter)).decode(), headers=headers)
        result = stack.arrived(ANNA, mark, folder="Junk")["X-Spam-Result"]
        assert "E2E_PHRASE(8.50)" in result and "LINK_IP_ADDRESS(1.50)" in result


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
                "meta E2E_BOTH E2E_LANGUAGE && E2E_PHRASE": "E2E_BOTH: needs E2E_LANGUAGE, which is not supported"}
    plugins = "".join(f"loadplugin Mail::SpamAssassin::Plugin::{name}\n" for name in ("Shortcircuit", "TextCat", "OLEVBMacro", "PDFInfo"))
    pdf = "body E2E_PDF eval:pdf_match_details('title', '/^the bill$/i')\nscore E2E_PDF 2\n"
    office = "body E2E_OFFICE eval:check_olemacro()\nscore E2E_OFFICE 2\nolemacro_extended_scan 1\nbody E2E_RENAMED eval:check_olemacro_renamed()\n"
    rules.write_text(RULES + plugins + "\n".join(left_out) + "\n" + pdf + office)
    first = len((RULES + plugins).splitlines()) + 1
    with setting(stack, f'rule_files = {{"spamassassin", {rules}}}'):
        checked = run(stack, "check")
        assert checked.returncode == 0 and not checked.stderr, checked.stderr
        told = checked.stdout.splitlines()[:-1]
        expected = [f"{rules}:{first + number}: {text}" for number, text in enumerate(left_out.values())]
        assert sorted(told) == sorted([*expected, GONE.format(rules), "1 of your metas and scores count on rules that never run here: E2E_PHRASE"])
        stack.arrived(ANNA, stack.inbound(ANNA, body=f"The {PHRASE}!\n"), folder="Junk")
        mark = stack.inbound(ANNA, headers=["MIME-Version: 1.0", "Content-Type: application/pdf"], body="%PDF-1.4\n<</Title(The Bill)>>\n")
        assert "E2E_PDF(2.00)" in stack.arrived(ANNA, mark)["X-Spam-Result"]
        office = ["MIME-Version: 1.0", "Content-Type: application/msword; name=a.doc", "Content-Transfer-Encoding: quoted-printable"]
        mark = stack.inbound(ANNA, headers=office, body="w:macrosPresent=3D\"yes\"\n")
        result = stack.arrived(ANNA, mark)["X-Spam-Result"]
        assert "E2E_OFFICE(2.00)" in result and "E2E_RENAMED" not in result
        mark = stack.inbound(ANNA, headers=[office[0], "Content-Type: image/png; name=a.png", office[2]], body="w:macrosPresent=3D\"yes\"\n")
        result = stack.arrived(ANNA, mark)["X-Spam-Result"]
        assert "E2E_OFFICE(2.00)" in result and "E2E_RENAMED(1.00)" in result


@pytest.mark.rows("G18")
def test_what_never_runs(stack, rules):
    """What an administrator's file says of rules that ask the network is told, counted, and no error."""
    rules.write_text(RULES + """header E2E_LIST eval:check_rbl('e2e', 'bl.example.')
meta E2E_NEVER RCVD_IN_XBL && __E2E_PHRASE
meta E2E_ALWAYS __E2E_PHRASE && !RCVD_IN_XBL
score RCVD_IN_XBL 10
score DMARC_REJECT 10
score E2E_NOTHING 10
""")
    with setting(stack, f'rule_files = {{"spamassassin", {rules}}}'):
        told = [f"{rules}:7: E2E_LIST: asks the network",
                f"{rules}:8: E2E_NEVER: never hits: RCVD_IN_XBL asks the network",
                f"{rules}:9: E2E_ALWAYS: counts it as 0: RCVD_IN_XBL asks the network",
                f"{rules}:10: RCVD_IN_XBL: the score counts nowhere: the rule asks the network",
                f"{rules}:12: E2E_NOTHING: the score counts nowhere: the rule is defined nowhere",
                GONE.format(rules)]
        for verb in ("check", "list"):
            said = run(stack, verb)
            lines = said.stdout.splitlines()
            assert said.returncode == 0 and not said.stderr, said.stderr
            assert set(told) <= set(lines)
            assert any(line.startswith(f"{rules}:11: DMARC_REJECT: the score counts nowhere: ") for line in lines)
            assert "1 of your rules never run here: E2E_LIST" in lines
            assert any(re.fullmatch("6 of your metas and scores count on rules that never run here: .*E2E_NEVER.*", line) for line in lines)
        assert re.search(r"spam-rules-idle rules=1 count-on-such=6 .*E2E_LIST", stack.log("milter"))
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


@pytest.fixture(scope="module")
def vault(stack):
    """A domain that wants everything refused that is not its own."""
    name = "vault.example"
    zones.add(stack.lay, zones.txt(name, "v=spf1 -all"))
    zones.add(stack.lay, zones.txt("_dmarc." + name, "v=DMARC1; p=reject"))
    return name


@pytest.mark.rows("G18")
@pytest.mark.parametrize("sender, chain, sealers, own, filters", [
    ("x@{foreign}", None, "", {"E2E_REJECT", "E2E_NO_HELO"}, {"DMARC_REJECT", "ARC_NONE", "SPF_PASS"}),
    ("x@{foreign}", "whole", "", {"E2E_REJECT", "E2E_SEALED", "E2E_NO_HELO"}, {"DMARC_REJECT", "ARC_PASS", "SPF_PASS"}),
    ("x@{foreign}", "whole", "{foreign}", {"E2E_SEALED", "E2E_NO_HELO"}, {"DMARC_ARC", "ARC_PASS", "SPF_PASS"}),
    ("x@{foreign}", "broken", "", {"E2E_REJECT", "E2E_UNSEALED", "E2E_NO_HELO"}, {"DMARC_REJECT", "ARC_FAIL", "SPF_PASS"}),
    ("", None, "", {"E2E_REJECT", "E2E_HELO"}, {"DMARC_REJECT", "ARC_NONE", "SPF_PASS"}),
])
def test_what_dmarc_and_arc_prove(stack, vault, rules, tmp_path, sender, chain, sealers, own, filters):
    """Rules of the package over DMARC, ARC and SPF's HELO know what the filter found; what they score is not added to what its symbols do."""
    rules.write_text("meta E2E_REJECT DMARC_REJECT\nmeta E2E_SEALED ARC_VALID\nmeta E2E_UNSEALED ARC_INVALID\nmeta E2E_HELO SPF_HELO_PASS\n"
                     "meta E2E_NO_HELO !SPF_HELO_PASS && !SPF_HELO_FAIL && !SPF_HELO_NONE\n")
    content = mail.message("ceo@" + vault, ANNA)
    if chain:
        head = f"Authentication-Results: relay.{layout.FOREIGN}; arc=none; dmarc=pass header.from={vault}\r\n".encode()
        content = mail.add_arc_set(stack.lay, head + content)
    letter = tmp_path / "message"
    letter.write_bytes(content.replace(b"Hello.", b"Hullo.") if chain == "broken" else content)
    conf = tmp_path / "mailreeve.conf"
    words = {"foreign": layout.FOREIGN}
    conf.write_text(stack.lay.conf.read_text() + f'milter {{\ntrusted_sealers = {{{sealers.format(**words)}}}\nrule_files = {{"spamassassin", {rules}}}\n}}\n')
    done = subprocess.run([stack.lay.cli, "-c", conf, "scan", "--json", "--resolver", f"127.0.0.1:{stack.lay.ports['dns']}", "--client", zones.FOREIGN_ADDRESS,
                           "--helo", layout.FOREIGN, "--sender", sender.format(**words), letter], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["symbols"]
    assert {name for name in found if name.startswith("E2E_")} == own, found
    assert filters <= set(found), found
    assert found.get("DMARC_REJECT", 8) == 8 and not {"ARC_INVALID", "ARC_SIGNED", "ARC_VALID", "SPF_HELO_PASS"} & set(found), found


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
    if list(pathlib.Path("/var/lib/spamassassin").glob("*/updates_spamassassin_org.cf")):
        pytest.skip("sa-update's scores count")
    given = [line.split() for line in (layout.SOURCE / "milter/rules/scores.cf").read_text().splitlines() if line.startswith("score ")]
    alone, both = scores(stack, "spamassassin"), scores(stack, "mailreeve", "spamassassin")
    assert len(given) > 300 and all(both[name] == float(score) for _, name, score in given)
    assert alone["HEADER_FROM_DIFFERENT_DOMAINS"] == 1 and both["HEADER_FROM_DIFFERENT_DOMAINS"] < 0.5
    rules.write_text("score HEADER_FROM_DIFFERENT_DOMAINS 2\n")
    assert scores(stack, "mailreeve", "spamassassin", rules)["HEADER_FROM_DIFFERENT_DOMAINS"] == 2


@pytest.mark.rows("G18")
@pytest.mark.parametrize("folders, expected", [
    (["4.000001"], {"E2E_4_000001"}),
    (["3.004006", "4.000001", "4.000002"], {"E2E_4_000002"}),
    (["4.000001", "4.000010", "4.000009"], {"E2E_4_000010"}),
    (["3.004006"], {"E2E_3_004006"}),
    (["4.000001", "5.1", "x.000001", "4.0000011", "sa-update-keys"], {"E2E_4_000001"}),
    ([], set()),
])
def test_those_of_sa_update(stack, tmp_path, folders, expected):
    """The folder of the highest version that holds an update, and no other: what was left by an older SpamAssassin is not read."""
    for name in folders:
        (tmp_path / name).mkdir()
        (tmp_path / name / "updates_spamassassin_org.cf").write_text(f"body E2E_{re.sub('[.-]', '_', name)} /tangerine/\n")
    (tmp_path / "9.000000").mkdir()
    done = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/lib/spamassassin && exec "$@"', tmp_path,
                           stack.lay.bin / "mailreeve-rules", "-c", stack.lay.conf, "list", "-a", "spamassassin"], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert {line[0] for line in lines if line[0].startswith("E2E_")} == expected
    assert (len(lines) > 2000) == (not expected)

"""Lists in DNS, served by the stack's own Unbound: addresses, domains of links and of senders, hashes; lists that refuse and lists that are away."""

import base64
import contextlib
import hashlib
import ipaddress
import itertools
import re
import socket
import zlib

import pytest
from stack import admin, layout, mail, zones

from test_filter import setting, tell

NUMBERS = itertools.count(1)


def new_zone():
    """Each test has zones of its own: Unbound remembers what was not there, and the milter what a list did."""
    return f"bl{next(NUMBERS)}.lists.test"


def listed(stack, zone, name, *addresses):
    zones.replace(stack.lay, *(f"{name}.{zone}. IN A {address}" for address in addresses))


@contextlib.contextmanager
def lists(stack, *rows, more=""):
    with setting(stack, "dns_lists = {" + ", ".join(f'"{row}"' for row in rows) + "}\n" + more):
        yield


def symbols(stack, user, **kwargs):
    """Those of a message from outside, with their scores."""
    folder = kwargs.pop("folder", "INBOX")
    got = stack.arrived(user, stack.inbound(user, **kwargs), folder=folder)
    return dict(re.findall(r"(\w+)\((-?[\d.]+)\)", str(got["X-Spam-Result"])))


def status(stack, zone):
    return dict(line[len("dns_list="):].split() for line in tell(stack, "status").splitlines() if line.startswith("dns_list="))[zone]


def counter(stack, name):
    return int(re.search(rf"^{name}=(\d+)$", tell(stack, "stats"), re.M)[1])


@pytest.mark.rows("F101", "F104")
def test_the_client_s_address(stack):
    user, zone = stack.user(), new_zone()
    listed(stack, zone, "9.0.0.127", "127.0.0.4", "127.0.0.10")
    with lists(stack, f"{zone} client 127.0.0.2=E2E_SPAM:9 127.0.0.4-7=E2E_BOT:4.5 127.0.0.10=E2E_DIALUP:2"):
        got = symbols(stack, user, folder="Junk")
        assert (got["E2E_BOT"], got["E2E_DIALUP"], "E2E_SPAM" in got) == ("4.50", "2.00", False)
        assert not [name for name in symbols(stack, user, source="127.0.0.66") if name.startswith("E2E_")]
        mark = stack.submit(user, stack.probe)   # our own people's addresses are not asked about
        assert "E2E_" not in str(stack.arrived(stack.probe, mark)["X-Spam-Result"])


@pytest.mark.rows("F101", "F104")
def test_a_list_of_good_hosts(stack):
    user, black, white = stack.user(), new_zone(), new_zone()
    listed(stack, black, "9.0.0.127", "127.0.0.2")
    listed(stack, white, "9.0.0.127", "127.0.5.2")
    with lists(stack, f"{black} client 127.0.0.2=E2E_BAD:7", f"{white} client 127.0.*.2=E2E_GOOD:-4"):
        got = symbols(stack, user)
        assert (got["E2E_BAD"], got["E2E_GOOD"]) == ("7.00", "-4.00")


@pytest.mark.rows("F104")
def test_where_a_message_leads(stack):
    user, zone = stack.user(), new_zone()
    listed(stack, zone, "evil.example", "127.0.0.6")
    listed(stack, zone, "xn--bd-via.example", "127.0.0.4")
    listed(stack, zone, "dns.evil-hosting.example", "127.0.0.2")
    zones.replace(stack.lay, "other.example. IN NS ns1.dns.evil-hosting.example.")
    listed(stack, zone, "evil-hosting.example", "127.0.0.8")
    with lists(stack, f"{zone} link ns 127.0.0.&2=E2E_LINK_A:1 127.0.0.&4=E2E_LINK_B:1 127.0.0.&8=E2E_NS:1"):
        got = symbols(stack, user, body="See http://www.login.evil.example/x and that is all.\n")
        assert {name for name in got if name.startswith("E2E_")} == {"E2E_LINK_A", "E2E_LINK_B"}
        got = symbols(stack, user, body="See http://b\u00e4d.example/\n", headers=["Content-Type: text/plain; charset=utf-8"])
        assert {name for name in got if name.startswith("E2E_")} == {"E2E_LINK_B"}
        got = symbols(stack, user, body="See http://www.other.example/\n")
        assert {name for name in got if name.startswith("E2E_")} == {"E2E_NS"}
        mark = stack.submit(user, stack.probe, body="See http://evil.example/\n")   # also in what our own people write
        assert "E2E_LINK_A" in str(stack.arrived(stack.probe, mark)["X-Spam-Result"])


@pytest.mark.rows("F104")
def test_where_a_message_leads_over_ipv6(stack):
    """Hosts and name servers that have IPv6 addresses only, and such an address in a link: asked about as 32 nibbles."""
    user, zone = stack.user(), new_zone()
    host, server = "2001:db8:7::50", "2001:db8:7::35"
    zones.replace(stack.lay, f"www.six.example. IN AAAA {host}", "six-hosted.example. IN NS ns6.six-hosting.example.",
                  f"ns6.six-hosting.example. IN AAAA {server}")
    for address, answer in ((host, "127.0.0.2"), (server, "127.0.0.4")):
        listed(stack, zone, ipaddress.ip_address(address).reverse_pointer.removesuffix(".ip6.arpa"), answer)
    with lists(stack, f"{zone} link-address ns-address 127.0.0.2=E2E_HOST:1 127.0.0.4=E2E_NS:1"):
        for link, expected in (("www.six.example", "E2E_HOST"), (f"[{host}]", "E2E_HOST"), ("six-hosted.example", "E2E_NS")):
            got = symbols(stack, user, body=f"See http://{link}/x\n")
            assert {name for name in got if name.startswith("E2E_")} == {expected}


@pytest.mark.rows("F104")
def test_where_a_pdf_file_leads(stack):
    """An address that stands packed in an attached PDF file is one of the message: asked about, and by its form a symbol."""
    user, zone = stack.user(), new_zone()
    listed(stack, zone, "evil.example", "127.0.0.2")
    pdf = {"headers": ["MIME-Version: 1.0", "Content-Type: application/pdf; name=invoice.pdf", "Content-Transfer-Encoding: base64"]}

    def leading(to):
        packed = zlib.compress(f"1 0 <</Type/Annot/Subtype/Link/A<</S/URI/URI({to})>>>>".encode())
        head = f"%PDF-1.5\n9 0 obj <</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {len(packed)}>> stream\n"
        return base64.encodebytes(head.encode() + packed + b"\nendstream endobj\n").decode()

    with lists(stack, f"{zone} link 127.0.0.2=E2E_LINK:1"):
        assert "E2E_LINK" in symbols(stack, user, body=leading("https://login.evil.example/\\050x\\)"), **pdf)
        got = symbols(stack, user, body=leading("https://shop.example/"), **pdf)
        assert not {"E2E_LINK", "LINK_IP_ADDRESS"} & set(got)
        assert "LINK_IP_ADDRESS" in symbols(stack, user, body=leading("http://192.0.2.7/pay"), **pdf)
    # in a file that is encrypted with the empty password, and by codes that only a map tells
    listed(stack, zone, "a.example", "127.0.0.2")
    with lists(stack, f"{zone} link 127.0.0.2=E2E_LINK:1"):
        locked = (layout.SOURCE / "tests/fuzz/corpus/pdf/aes-256").read_bytes()
        assert "E2E_LINK" in symbols(stack, user, body=base64.encodebytes(locked).decode(), **pdf)
        said = "".join(f"<{code:02x}> <{ord(letter):04x}> " for code, letter in enumerate("http://evil.example/", 1))
        shown = "".join(f"{code:02x}" for code in range(1, 21))
        text = (f"%PDF-1.4\n1 0 obj <</Type/Page/Contents 2 0 R/Resources<</Font<</F1 3 0 R>>>>>> endobj\n2 0 obj <<>> stream\nBT /F1 9 Tf <{shown}> Tj ET\n"
                "endstream endobj\n3 0 obj <</Type/Font/Subtype/Type1/ToUnicode 4 0 R>> endobj\n"
                f"4 0 obj <<>> stream\n20 beginbfchar {said} endbfchar\nendstream endobj\n")
        assert "E2E_LINK" in symbols(stack, user, body=base64.encodebytes(text.encode()).decode(), **pdf)


@pytest.mark.rows("F104")
def test_who_sent_it(stack):
    user, domains, hashes = stack.user(), new_zone(), new_zone()
    listed(stack, domains, layout.FOREIGN, "127.0.1.2")
    listed(stack, hashes, hashlib.sha1(b"pay@crook.example").hexdigest(), "127.0.0.2")
    with lists(stack, f"{domains} sender from 127.0.1.2=E2E_DOMAIN:1", f"{hashes} address sha1 127.0.0.2=E2E_ADDRESS:1"):
        got = symbols(stack, user, headers=["Reply-To: Pay+you@crook.example"])
        assert {name for name in got if name.startswith("E2E_")} == {"E2E_DOMAIN", "E2E_ADDRESS"}
        got = symbols(stack, user, sender="", header_from="x@" + layout.ELSEWHERE, body="Write to pay@crook.example\n")
        assert {name for name in got if name.startswith("E2E_")} == {"E2E_ADDRESS"}


@pytest.mark.rows("F101", "F104")
def test_a_list_that_refuses(stack):
    """What it answers then is said once, and never counts."""
    user, zone = stack.user(), new_zone()
    for last in range(1, 8):
        listed(stack, zone, f"{last}.9.0.127", "127.255.255.254")
    with lists(stack, f"{zone} client 127.*.*.*=E2E_LISTED:20"):
        for last in range(1, 8):
            assert "E2E_LISTED" not in symbols(stack, user, source=f"127.0.9.{last}")
        assert status(stack, zone) == "refuses"
        assert stack.log("milter").count(f"dns-list-refuses list={zone} answer=127.255.255.254") == 1
        before = counter(stack, "dns_lists_passed_over_total")
        symbols(stack, user)
        assert counter(stack, "dns_lists_passed_over_total") > before


@pytest.mark.rows("F101", "F104")
def test_a_list_that_is_away(stack):
    """Who answers is heard meanwhile; soon no message waits for the other at all."""
    user, dead, good = stack.user(), zones.AWAY, new_zone()
    listed(stack, good, "9.0.0.127", "127.0.0.2")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", stack.lay.ports["away"]))
        with lists(stack, f"{dead} client link max=20 127.0.0.2=E2E_DEAD:20", f"{good} client 127.0.0.2=E2E_THERE:1",
                   more='dns_lists_timeout = "500ms"\ndns_timeout = "20s"'):
            body = " ".join(f"http://h{i}.example/" for i in range(10)) + "\n"
            got = symbols(stack, user, body=body)
            assert "E2E_THERE" in got and "E2E_DEAD" not in got
            assert status(stack, dead) == "away" and status(stack, good) == "ok"
            silent_before, passed_before = counter(stack, "dns_lists_silent_total"), counter(stack, "dns_lists_passed_over_total")
            assert "E2E_THERE" in symbols(stack, user, body=body)
            assert counter(stack, "dns_lists_silent_total") == silent_before
            assert counter(stack, "dns_lists_passed_over_total") == passed_before + 11
            assert stack.log("milter").count(f"dns-list-away list={dead}") == 1


@pytest.mark.rows("F104")
def test_the_resolver_away(stack, wait):
    user, zone = stack.user(), new_zone()
    listed(stack, zone, "9.0.0.127", "127.0.0.2")
    with lists(stack, f"{zone} client 127.0.0.2=E2E_LISTED:1", more='dns_timeout = "1s"\ndns_lists_timeout = "500ms"'):
        with stack.without("unbound"):
            assert "E2E_LISTED" not in symbols(stack, user)
        listed(stack, zone, "9.0.0.127", "127.0.0.2")
        wait("the list", lambda: "E2E_LISTED" in symbols(stack, user))   # after two seconds at the latest


@pytest.mark.rows("F104")
def test_check_names_lists_that_do_not_answer(stack):
    good, refusing, names = new_zone(), new_zone(), new_zone()
    listed(stack, good, "2.0.0.127", "127.0.0.2")
    listed(stack, refusing, "2.0.0.127", "127.255.255.254")
    listed(stack, names, "2.0.0.127", "127.0.1.255")   # as a list of names answers to an address
    rows = [f"{zone} {what} 127.0.0.2=E2E_LISTED:1" for zone, what in ((good, "client"), (refusing, "received"), (names, "link"))]
    with lists(stack, *rows):
        said = stack.cli("check", check=False).stdout
        assert f"ok milter: dns_lists {good}\n" in said and f"ok milter: dns_lists {names}\n" in said
        assert f"failed milter: dns_lists {refusing}: it refuses" in said


def test_scan_asks_the_same_lists(stack, tmp_path):
    zone, file = new_zone(), tmp_path / "mail"
    listed(stack, zone, "evil.example", "127.0.0.2")
    file.write_bytes(mail.message("a@" + layout.FOREIGN, admin.address("anna"), body="http://evil.example/\n"))
    with lists(stack, f"{zone} link 127.0.0.2=E2E_LISTED:1"):
        assert "E2E_LISTED(1.00)" in stack.cli("scan", "--resolver", f"127.0.0.1:{stack.lay.ports['dns']}", str(file))
        assert "E2E_LISTED" not in stack.cli("scan", str(file))


@pytest.mark.parametrize("row, why", [("zen", "no ready-made"), ("bl.test client 127.0.0.2=X", "127.0.0.2=X"), ("bl.test 127.0.0.2=X:1", "does not say")])
def test_wrong_rows(stack, row, why):
    with pytest.raises(AssertionError), lists(stack, row):
        pass
    assert why in tell(stack, "reload") or why in stack.log("milter")

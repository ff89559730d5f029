"""Generated records, senders and clients of SPF, and what pyspf (python3-spf) says of them. A case is (zone, helo, client, sender); a zone is a list of (name,
type, data)."""

import ipaddress
import re

import spf

DOMAINS = [f"d{n}.example.org" for n in range(5)]
HOSTS = ["mail.d0.example.org", "mx1.example.net", "mx2.example.net", "nothing.example.net", "a.b.c.d.example.com"]
FOUR = ["192.0.2.1", "192.0.2.2", "192.0.2.129", "198.51.100.7", "203.0.113.200"]
SIX = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::7", "2001:db8:ffff::c"]
LOCAL = ["user", "first.last", "a-b_c+d", "strong=bad", "x", "\"quoted", "UPPER", "%s", "one.two.three-four"]


def some(r, items, most=2):
    return [r.choice(items) for _ in range(r.randint(1, most))]


def macro(r):
    letter = r.choice("slodiphv" if r.random() < 0.95 else "crxz")
    letter = letter.upper() if r.random() < 0.2 else letter
    digits = r.choice(["", "", "1", "2", "3", "10", "128"]) if r.random() < 0.98 else "0"
    return "%{" + letter + digits + r.choice(["", "", "r", "R"]) + r.choice(["", "", "", ".", "-", ".-+", "+,/_="]) + "}"


def spec(r):
    """A domain-spec, most of them good."""
    way = r.random()
    if way < 0.55:
        return r.choice(DOMAINS + HOSTS)
    if way < 0.9:
        return r.choice(["", "x.", "%%_", "_spf."]) + "".join(macro(r) + r.choice(["", ".", "-"]) for _ in range(r.randint(1, 2))) + r.choice(
            [".d1.example.org", ".example.net", ".d2.example.org."])
    return r.choice(["%{d", "%(d)", "example.org%", "%{d}", "a..example.org", "com", "x" * 64 + ".example.org", "d1.example.org.", "%-.example.org", "1.2.3.4",
                     "d1.example.o-g", "d1.example.-", "%{}.example.org", "exa_mple.org"])


def cidr(r, most):
    lengths = [str(r.randint(0, most)), "24", "0", "032", "33" if most == 32 else "129", "-1", "", "x"]
    return "" if r.random() < 0.6 else "/" + r.choice(lengths[:r.choice([3, 3, 3, 8])])


def ends(r):
    return (":" + spec(r) if r.random() < 0.6 else "") + cidr(r, 32) + ("/" + cidr(r, 128) if r.random() < 0.1 else "")


def address(r):
    if r.random() < 0.6:
        return "ip4:" + r.choice(FOUR + ["192.0.2.0", "198.51.100.0", "192.0.2", "192.0.2.256", "192.0.2.01"][:r.choice([7, 7, 10])]) + cidr(r, 32)
    return "ip6:" + r.choice(SIX + ["2001:db8::", "::ffff:192.0.2.1", "2001:db8::192.0.2.1", "2001:db8:::1", "::1"][:r.choice([6, 7, 9])]) + cidr(r, 128)


def mechanism(r):
    sign = r.choice(["", "", "", "-", "~", "?", "+"])
    kind = r.choice(["ip", "ip", "ip", "a", "a", "mx", "mx", "include", "include", "exists", "ptr", "all"])
    text = {"ip": lambda: address(r), "a": lambda: "a" + ends(r), "mx": lambda: "mx" + ends(r), "exists": lambda: "exists:" + spec(r),
            "include": lambda: "include:" + r.choice([*DOMAINS, spec(r)]), "ptr": lambda: "ptr" + (":" + spec(r) if r.random() < 0.6 else ""),
            "all": lambda: "all"}[kind]()
    return sign + (text.upper() if r.random() < 0.04 else text)


def odd_term(r):
    return r.choice(["ipv4:192.0.2.1", "a:", "mx:", "include", "include:", "exists", "ip4", "ip4:", "all:x", "all/8", "-", "=", "foo=bar", "foo=%{d}", "foo=%(",
                     "x-y.z=1", "default=pass", "moo", "redirect=", "redirect=d1.example.org", "exp=d3.example.org", "exp=", "1x=y", "ptr:", "ptr/24", "A//64", "a/24//64",
                     "mx/8//", "+exp=x", "exp=nothing.example.net", "~ALL", "- all"])


def record(r):
    """One policy."""
    terms = [mechanism(r) for _ in range(r.randint(0, 4))]
    if r.random() < 0.25:
        terms.insert(r.randint(0, len(terms)), odd_term(r))
    if r.random() < 0.55:
        terms.append(r.choice(["-all", "~all", "?all", "all", "redirect=" + r.choice(DOMAINS)]))
    if r.random() < 0.2:
        terms.append("exp=" + r.choice([*DOMAINS, spec(r)]))
    text = r.choice(["v=spf1", "v=spf1", "v=spf1", "V=SPF1", "v=spf10", "v=spf1."][:r.choice([4, 4, 6])])
    for term in terms:
        text += " " * (1 if r.random() < 0.9 else 2) + term
    return text + (" " if r.random() < 0.05 else "")


def zone(r):
    found = []
    for name in DOMAINS:
        for _ in range(1 if r.random() < 0.97 else r.randint(0, 2)):
            found.append((name, "TXT", record(r)))
        if r.random() < 0.1:
            found.append((name, "TXT", r.choice(["other text", "v=spf2.0/pra -all", "explained %{i} by %{d}", "spf1"])))
    for name in DOMAINS[:4] + HOSTS[:3]:
        found += [(name, "A", a) for a in (some(r, FOUR) if r.random() < 0.7 else [])]
        found += [(name, "AAAA", a) for a in (some(r, SIX) if r.random() < 0.4 else [])]
        found += [(name, "MX", f"{r.randint(0, 20)} {h}") for h in (some(r, HOSTS, 3) if r.random() < 0.5 else [])]
    for a in FOUR + SIX:
        if r.random() < 0.6:
            found += [(ipaddress.ip_address(a).reverse_pointer, "PTR", h) for h in some(r, DOMAINS + HOSTS, 3)]
    if r.random() < 0.05:
        found.append((r.choice(DOMAINS + HOSTS[:3]), "TIMEOUT", ""))
    return sorted(set(found), key=found.index)


def case(r):
    client = r.choice(FOUR + SIX if r.random() < 0.4 else FOUR)
    sender = "" if r.random() < 0.1 else r.choice(LOCAL) + "@" + r.choice(DOMAINS[:3])
    helo = r.choice(DOMAINS + HOSTS)
    return zone(r), helo, client, sender


def lookup(records):
    """pyspf's own DNSLookup, out of these records."""
    def answer(name, kind, strict=True, timeout=None):
        mine = [(t, d) for n, t, d in records if n.lower() == str(name).lower().rstrip(".")]
        wanted = [d for t, d in mine if t == kind]
        if not wanted and any(t == "TIMEOUT" for t, _ in mine):
            raise spf.TempError("DNS timeout")
        turn = {"MX": lambda d: (int(d.split()[0]), d.split()[1]), "TXT": lambda d: [d.encode()]}.get(kind, lambda d: d)
        return [((name, kind), turn(d)) for d in wanted]
    return answer


def peer(one, voids=2):
    """(result, explanation or "", its problem) as pyspf has it."""
    records, helo, client, sender = one
    spf.DNSLookup, spf.MAX_VOID_LOOKUPS = lookup(records), voids
    q = spf.query(i=client, s=sender or "postmaster@" + helo, h=helo, receiver="mx.example.net", strict=True)
    q.set_default_explanation("")
    result, _, why = q.check()
    return result, why if result == "fail" else "", why if result.endswith("error") else ""


UPPER, OF_V = re.compile(r"%\{[A-Za-z][0-9]*R"), re.compile(r"%\{[vV][0-9r]*[.+,/_=-]")
BROKEN = re.compile(r"%(?![{%_-])|%\{(?![a-z][0-9]*r?[.,+/_=-]*\})", re.IGNORECASE)
ZERO = re.compile(r"%\{[a-z]0+[r.,+/_=-]*\}", re.IGNORECASE)


def excuse_text(texts, explanation):
    """Of two results fail whose explanations differ."""
    if not explanation and any(ZERO.search(text) or BROKEN.search(text) for text in texts):
        return "6.2: an explanation with an error counts as none"
    if any(UPPER.search(text) for text in texts):
        return "7.1: the letter of a transformer, as all of ABNF, is good in either case"
    if any(OF_V.search(text) for text in texts):
        return "7.3: the parts of every macro are joined with dots"
    return None


def excuse(one, ours, theirs):
    """The section of RFC 7208 by which ours is right, or None."""
    texts = [data for _, kind, data in one[0] if kind == "TXT"]
    answering = ([line for line in one[0] if line[1] != "TIMEOUT"], *one[1:])

    def agrees(other):
        return ours == other[:2] or (ours[0] == other[0] == "fail" and excuse_text(texts, ours[1]))
    if agrees(theirs):
        return excuse_text(texts, ours[1])
    if ours[0] == "permerror" and any(ZERO.search(text) for text in texts):
        return "7.3: the number of a transformer is not zero"
    if "Void lookup limit" in theirs[2]:
        theirs = peer(one, voids=10**6)
        if agrees(theirs):
            return "4.6.4: terms are counted, those that are evaluated, not each question"
    if "trivial recursion" in theirs[2]:
        return "4.6.2: what stands behind the mechanism that matches is not evaluated"
    if theirs[0] == "temperror" and re.search(r"ptr|%\{p", " ".join(texts), re.IGNORECASE) and agrees(peer(answering, voids=10**6)):
        return "5.5: a name whose addresses cannot be had is passed over"
    return None

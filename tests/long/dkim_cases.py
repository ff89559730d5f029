"""Generated messages, signatures and key records of DKIM, half of them good, and what python3-dkim says of them. The signer is this file's own, so that it can
write what no signer should. A case is (zone, message); a zone is a list of (name, record)."""

import base64
import hashlib
import logging
import re
import subprocess
import time

import dkim
import dkim.crypto
import nacl.signing

DOMAIN = "example.org"
NAMES = ["From", "To", "Subject", "Date", "Message-ID", "Cc", "Reply-To", "X-Odd", "Received", "from", "List-Id"]
WORDS = ["hello", "two  words", " lead", "trail \t", "tab\tbed", "=3D", "caf\u00e9", "a;b=c", "", "x" * 90, "(comment)", "<a@b>", "\"q\"", ":", "\u00a0"]
BLANK = ["", "", " ", "\t", "\r\n\t"]
LINES = ["Hello,", "", " ", "\t", "  two   words \t", ".dot", "..", "x" * 200, "caf\u00e9", "-- ", "a\tb", "From here", "\x0b", "end "]


class Keys:
    """Made anew in each run: what is said of a case does not depend on them."""

    def __init__(self):
        pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
        self.rsa = dkim.crypto.parse_pem_private_key(pem)
        self.ed25519 = nacl.signing.SigningKey.generate()
        self.public = {"rsa": base64.b64encode(der).decode(), "ed25519": base64.b64encode(bytes(self.ed25519.verify_key)).decode()}

    def sign(self, algorithm, text):
        if algorithm == "ed25519-sha256":
            return self.ed25519.sign(hashlib.sha256(text).digest()).signature
        hashed = hashlib.new("sha1" if algorithm == "rsa-sha1" else "sha256", text)
        return dkim.crypto.RSASSA_PKCS1_v1_5_sign(hashed, self.rsa)


def header_text(name, value, relaxed):
    """Both without the line's end; value with all that follows the colon."""
    if not relaxed:
        return f"{name}:{value}".encode()
    return f"{name.strip().lower()}:".encode() + re.sub(rb"[ \t]+", b" ", value.encode().replace(b"\r\n", b"")).strip(b" ")


def body_text(body, relaxed):
    lines = body.encode().split(b"\r\n")
    if relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines) if lines or relaxed else b"\r\n"


def fold(r):
    return r.choice(["", "", "", " ", "\r\n\t", "\r\n  ", "  "])


def headers(r):
    found = [("From", " " + r.choice(["a@example.org", "A <a@example.org>", '"x;y" <a@example.org>']))]
    for _ in range(r.randint(0, 6)):
        value = r.choice(["", " ", "  "]) + r.choice(["\r\n ", "\r\n\t", " "]).join(r.choice(WORDS) or "w" for _ in range(r.randint(1, 3)))
        found.insert(r.randint(0, len(found)), (r.choice(NAMES) + (" " if r.random() < 0.03 else ""), value))
    return found


def tags(r, algorithm, canon, names, body):
    """All but b=, in an order of choice."""
    now = int(time.time())
    found = [("v", "1"), ("a", algorithm), ("d", r.choice([DOMAIN] * 9 + ["EXAMPLE.org"])), ("s", "s"), ("bh", body),
             ("h", (fold(r) + ":" + fold(r)).join(names))]
    if canon != "simple/simple" or r.random() < 0.5:
        found.append(("c", canon))
    for tag, values, chance in (("t", [str(now - 100), str(now + 90000), "1", "x"][:r.choice([1, 1, 4])], 0.4),
                                ("x", [str(now + 1000), str(now - 90000), "9" * 12, ""][:r.choice([1, 1, 4])], 0.2),
                                ("i", ["@example.org", "a@example.org", "x@sub.example.org", "@example.com", "@badexample.org", "example.org",
                                       "=40@example.org"][:r.choice([3, 3, 7])], 0.3),
                                ("q", ["dns/txt", "dns/txt:other", "other"][:r.choice([1, 3])], 0.2), ("z", ["From:a@example.org|To:=20b"], 0.1),
                                ("unknown", ["1", ""], 0.1), ("V", ["2"], 0.02), ("v", ["1"], 0.01)):
        if r.random() < chance:
            found.append((tag, r.choice(values)))
    if r.random() < 0.04:
        broken = r.randrange(len(found))
        found[broken] = (found[broken][0], r.choice(["", "2", "x", "rsa-sha512", "dns", ":"]))
    if r.random() < 0.03:
        found.pop(r.randrange(len(found)))
    if r.random() < 0.5:
        r.shuffle(found)
    return found


def field(r, keys, head, body):
    """A DKIM-Signature field that is good but for what its tags say."""
    algorithm = r.choice(["rsa-sha256"] * 5 + ["ed25519-sha256"] * 4 + ["rsa-sha1"])
    canon = r.choice(["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple", "relaxed", "simple"])
    relaxed_head, relaxed_body = canon.startswith("relaxed"), canon.endswith("/relaxed")
    names = [n.strip() for n, _ in head if n.strip().lower() == "from" or r.random() < 0.7]
    names = [n.lower() if r.random() < 0.3 else n for n in names] + [r.choice(["From", "Subject", "X-None"]) for _ in range(r.choice([0, 0, 1, 2]))]
    r.shuffle(names)
    if r.random() < 0.03:
        names = [n for n in names if n.lower() != "from"] or ["Subject"]
    text = body_text(body, relaxed_body)
    length = r.choice([None] * 8 + [len(text), len(text), 0, max(len(text) - 5, 0), len(text) + 1])
    hashed = hashlib.new("sha1" if algorithm == "rsa-sha1" else "sha256", text if length is None else text[:length]).digest()
    found = tags(r, algorithm, canon, names, base64.b64encode(hashed).decode())
    if length is not None:
        found.append(("l", str(length)))
    value = " " + ";".join(fold(r) + tag + r.choice(BLANK) + "=" + r.choice(BLANK) + text for tag, text in found) + ";" + fold(r) + "b="
    rest, signed = list(head), b""
    for name in names:
        for at in reversed(range(len(rest))):
            if rest[at][0].strip().lower() == name.lower():
                signed += header_text(*rest.pop(at), relaxed_head) + b"\r\n"
                break
    after = r.choice(["", "", ";", " ", "; n=x", ";\r\n\t"])
    signed += header_text("DKIM-Signature", value + after, relaxed_head)
    b = base64.b64encode(keys.sign(algorithm, signed)).decode()
    b = b if r.random() < 0.5 else "\r\n\t".join(b[i:i + 60] for i in range(0, len(b), 60))
    return ("DKIM-Signature", value + b + after), algorithm.split("-")[0]


def record(r, keys, kind):
    """The key of that kind, most of the time as it should be published."""
    if r.random() < 0.6:
        return f"v=DKIM1; k={kind}; p={keys.public[kind]}" if kind != "rsa" or r.random() < 0.5 else f"v=DKIM1;p={keys.public[kind]}"
    found = [("v", "DKIM1"), ("k", kind), ("p", keys.public[kind])]
    for tag, values in (("h", ["sha256", "sha1", "sha1:sha256", "sha512 : sha256", ""]), ("s", ["email", "*", "other", "other:email", ""]),
                        ("t", ["y", "s", "y:s", "x", ""]), ("n", ["a note", "=3B"]), ("g", ["", "*", "a"]), ("unknown", ["x"])):
        if r.random() < 0.25:
            found.insert(r.randint(1, len(found)), (tag, r.choice(values)))
    way = r.random()
    if way < 0.05:
        found = found[1:]
    elif way < 0.1:
        found = found[1:] + found[:1]
    elif way < 0.2:
        tag = r.randrange(len(found))
        found[tag] = (found[tag][0], r.choice(["", "DKIM2", "dkim1", "dsa", "RSA", "%%%"]))
    elif way < 0.25:
        found.append(r.choice(found))
    return r.choice(["", " "]).join(tag + r.choice(["=", "=", " = "]) + text + ";" for tag, text in found)[:None if r.random() < 0.5 else -1]


def changed(r, message):
    """One byte or line."""
    at = r.randrange(len(message))
    way = r.random()
    if way < 0.3:
        return message[:at] + r.choice([b" ", b"\t", b"x", b";", b"=", b":", b"\r\n", b"\r\n "]) + message[at:]
    if way < 0.6:
        return message[:at] + message[at + 1:]
    lines = message.split(b"\r\n")
    line = r.randrange(len(lines))
    if way < 0.8:
        lines.insert(r.randrange(len(lines)), lines[line])
    else:
        lines.pop(line)
    return b"\r\n".join(lines)


def damaged(r, message):
    """One change. CR and LF stay together: no mail server lets through what RFC 5322 does not have."""
    other = changed(r, message)
    return message if re.search(rb"\r(?!\n)|(?<!\r)\n", other) else other


def case(r, keys):
    head, body = headers(r), "\r\n".join(r.choice(LINES) for _ in range(r.randint(0, 6))) + r.choice(["\r\n", "\r\n\r\n", "\r\n \r\n", ""])
    body = body if body == "" or body.endswith("\r\n") else body + "\r\n"
    zone, kinds = [], []
    for _ in range(1 if r.random() < 0.8 else 2):
        made, kind = field(r, keys, head, body)
        head.insert(0, made)
        kinds.append(kind)
    kind = r.choice(kinds)
    for _ in range(1 if r.random() < 0.97 else r.choice([0, 2])):
        zone.append((f"s._domainkey.{DOMAIN}", record(r, keys, kind)))
    message = "".join(f"{name}:{value}\r\n" for name, value in head).encode() + b"\r\n" + body.encode()
    return zone, damaged(r, message) if r.random() < 0.3 else message


def peer(one):
    """Whether python3-dkim accepts each signature, or None where it cannot read the message."""
    zone, message = one

    def answer(name, timeout=5):
        found = [text for owner, text in zone if owner.encode() == name.rstrip(b".").lower()]
        return found[0].encode() if found else None

    logging.getLogger("dkimpy").disabled = True
    try:
        n = sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature")
    except (dkim.DKIMException, IndexError):
        return None
    found = []
    for i in range(min(n, 10)):
        try:
            found.append(dkim.DKIM(message).verify(idx=i, dnsfunc=answer))
        except Exception:   # it raises many kinds
            found.append(False)
    return found


def tags_of(text):
    """[(name, value)] of a tag list, blanks taken out."""
    return [tuple(part.split("=", 1)) for part in re.sub(r"\s", "", text).split(";") if "=" in part]


def signature_tags(message, n):
    """tags_of() the signature field of that number."""
    head = re.sub(rb"\r\n(?=[ \t])", b"", message.split(b"\r\n\r\n")[0]).decode("utf-8", "replace")
    return tags_of(re.findall(r"(?im)^dkim-signature[ \t]*:(.*)$", head)[n])


def excuse(one, n, ours):
    """The section (of RFC 6376 where no other is named) by which ours is right about a signature where libopendkim says otherwise, or None."""
    zone, message = one
    tags_there, keys = signature_tags(message, n), [tags_of(text) for _, text in zone]
    found = dict(tags_there)
    if len(keys) > 1:
        return "6.1.2: of several keys any may be taken"
    key = keys[0] if keys else []
    for holds, result, section in (
            (found.get("a") == "rsa-sha1", "policy", "RFC 8301 3.1: nothing is verified with SHA-1"),
            (len(dict(key)) < len(key), "permerror", "3.2: a tag that is there twice spoils its list"),
            (len(found) < len(tags_there), "neutral", "3.2: a tag that is there twice spoils its list"),
            (re.search(r"[^A-Za-z0-9+/=]", found.get("b", "") + found.get("bh", "")), "neutral", "3.5: b= and bh= are base64"),
            (found.get("a", "").split("-")[0] != dict(key).get("k", "rsa"), "permerror", "3.6.1: the key is of another kind"),
            (dict(key).get("s") == "", "permerror", "3.6.1: a list of no services has none for mail"),
            ("h" in dict(key) and "sha256" not in dict(key)["h"].split(":"), "permerror", "6.1.2: the key does not allow the hash"),
            ("dns/txt" not in found.get("q", "dns/txt").split(":"), "neutral", "3.5: an unknown way to ask for keys is passed over"),
            (len(found.get("t", "")) < 9, "pass", "3.5: a signature may be as old as it is"),
            ("=40" in found.get("i", ""), "pass", "6.1.1: of i= the domain is looked at")):
        if holds and ours == result:
            return section
    return None

#!/usr/bin/python3
"""DKIM both ways with python3-dkim, and the public example messages where ../shared is present.

usage: dkim-interop.py DRIVER PROJECT_ROOT
"""
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import dkim
    import nacl.signing
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

DRIVER, ROOT = sys.argv[1], sys.argv[2]
FAILED = []
MESSAGE = (b"Received: from a by b\r\nFrom: John <john@example.org>\r\nTo: a@example.net,\r\n b@example.net\r\nSubject: =?utf-8?q?caf=C3=A9?=  two\r\n"
           b"Date: Mon, 02 Jan 2023 03:04:05 +0000\r\nMessage-ID: <1@example.org>\r\nList-Unsubscribe: <https://example.org/u>\r\nX-Other: 1\r\n\r\n"
           b"Hello,  \r\n\r\n.dot\r\n\tcaf\xc3\xa9\r\n\r\n\r\n")


def expect(what, good):
    print("ok" if good else "FAILED", what)
    if not good:
        FAILED.append(what)


def run(args, data):
    return subprocess.run([DRIVER] + args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)


def rsa_key(folder, bits):
    path = os.path.join(folder, "rsa%d.pem" % bits)
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True, stderr=subprocess.DEVNULL)
    der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return path, "v=DKIM1; k=rsa; p=" + base64.b64encode(der.stdout).decode()


def verified_by_dkimpy(message, record):
    return dkim.verify(message, dnsfunc=lambda name, timeout=5: record.encode())


def ed25519_key(folder):
    """A private key for ours and the record that publishes it."""
    path = os.path.join(folder, "ed25519.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    return path, "v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:]).decode()


def check_signing(path, record):
    """Ours signs, python3-dkim verifies; what was changed on the way does not verify."""
    for name, message in (("CRLF", MESSAGE), ("LF", MESSAGE.replace(b"\r\n", b"\n")), ("no body", MESSAGE.split(b"\r\n\r\n")[0] + b"\r\n\r\n")):
        r = run(["sign", "example.org", "2023", path], message)
        field = r.stdout
        signed = field.replace(b"\n", b"\r\n") + message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        expect("ours signs, python3-dkim verifies: " + name, r.returncode == 0 and verified_by_dkimpy(signed, record))
        expect("no CR in the value: " + name, b"\r" not in field)
        names = re.sub(rb"\s", b"", re.search(rb"\sh=([^;]*);", field).group(1)).lower().split(b":")
        once_more = [b"from", b"subject", b"date", b"to", b"reply-to", b"content-type", b"mime-version"]
        counts = [names.count(n) for n in once_more]
        expect("oversigned: %s" % name, counts == [2, 2, 2, 2, 1, 1, 1])
        expect("trace and unknown fields are left out: " + name, b"received" not in names and b"x-other" not in names)
        expect("List-Unsubscribe is signed: " + name, b"list-unsubscribe" in names)
        expect("another From is found: " + name, not verified_by_dkimpy(signed.replace(b"\r\nX-Other", b"\r\nFrom: x@evil.example\r\nX-Other"), record))
        expect("a Reply-To is found: " + name, not verified_by_dkimpy(b"Reply-To: x@evil.example\r\n" + signed, record))
    bad = run(["sign", "example.org", "2023", "/dev/null"], MESSAGE)
    expect("no key: refused with a reason", bad.returncode == 1 and b"cannot sign" in bad.stderr)


def check_verifying(folder, path, record):
    """python3-dkim signs, ours verifies, in every canonicalization."""
    seed = nacl.signing.SigningKey.generate()
    with open(path, "rb") as f:
        rsa = f.read()
    keys = {b"rsa-sha256": (rsa, record),
            b"ed25519-sha256": (base64.b64encode(bytes(seed)), "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(seed.verify_key)).decode())}
    for algorithm, (key, txt) in keys.items():
        zone = os.path.join(folder, "zone")
        with open(zone, "w", encoding="ascii") as f:
            f.write("s._domainkey.example.org TXT %s\n" % txt)
        for head in (b"simple", b"relaxed"):
            for body in (b"simple", b"relaxed"):
                field = dkim.sign(MESSAGE, b"s", b"example.org", key, canonicalize=(head, body), signature_algorithm=algorithm)
                what = "%s %s/%s" % (algorithm.decode(), head.decode(), body.decode())
                expect("python3-dkim signs, ours verifies: " + what, run(["verify", zone], field + MESSAGE).stdout.startswith(b"pass example.org s 1"))
                changed = run(["verify", zone], field + MESSAGE.replace(b"Hello", b"Hallo")).stdout
                expect("changed body fails: " + what, changed.startswith(b"fail") and b"altered" in changed)
                expect("changed header fails: " + what, run(["verify", zone], field + MESSAGE.replace(b"two", b"2")).stdout.startswith(b"fail"))
        field = dkim.sign(MESSAGE, b"s", b"example.org", key, length=True, signature_algorithm=algorithm)
        expect("l= passes but never aligns", run(["verify", zone], field + MESSAGE + b"more\r\n").stdout.startswith(b"pass example.org s 0"))


def check_weak_key(folder):
    path, record = rsa_key(folder, 768)
    with open(path, "rb") as f:
        field = dkim.sign(MESSAGE, b"s", b"example.org", f.read())
    zone = os.path.join(folder, "weak")
    with open(zone, "w", encoding="ascii") as f:
        f.write("s._domainkey.example.org TXT %s\n" % record)
    expect("a key of 768 bits is refused", run(["verify", zone], field + MESSAGE).stdout.startswith(b"policy example.org s 0 768"))


def check_leaks(folder, path, record):
    """Nothing is left behind by verifying, good or bad (signing leaves the library nothing but what it keeps)."""
    with open(DRIVER, "rb") as f:
        sanitized = b"__asan_init" in f.read()
    if sanitized or not shutil.which("valgrind"):
        print("skipped: no valgrind, or a sanitizer does its work")
        return
    with open(path, "rb") as f:
        field = dkim.sign(MESSAGE, b"s", b"example.org", f.read())
    zone = os.path.join(folder, "leaks")
    with open(zone, "w", encoding="ascii") as f:
        f.write("s._domainkey.example.org TXT %s\n" % record)
    for what, message in (("good", field + MESSAGE), ("bad", field + MESSAGE.replace(b"two", b"2")), ("broken", b"DKIM-Signature: x\r\n" + MESSAGE)):
        r = subprocess.run(["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=9", DRIVER,
                            "verify", zone], input=message, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120)
        expect("no leak, valgrind is content: " + what, r.returncode == 0)


def check_examples(folder):
    suite = os.path.join(ROOT, "..", "shared", "suites", "dkim")
    if not os.path.isdir(suite):
        print("skipped: no examples at", suite)
        return
    with open(os.path.join(suite, "test.txt"), encoding="ascii") as f:
        rsa = f.read().strip()
    with open(os.path.join(suite, "rfc8032_7_1.key"), "rb") as f:
        public = base64.b64encode(bytes(nacl.signing.SigningKey(base64.b64decode(f.read())).verify_key)).decode()
    zone = os.path.join(folder, "examples")
    with open(zone, "w", encoding="ascii") as f:
        f.write("brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; p=%s\n" % public)
        f.write("test._domainkey.football.example.com TXT %s\n" % rsa)
    with open(os.path.join(suite, "rfc6376.signed.msg"), "rb") as f:
        lines = run(["verify", zone], f.read()).stdout.splitlines()
    expect("RFC 8463 example, both signatures", len(lines) == 2 and all(line.startswith(b"pass football.example.com") for line in lines))


def main():
    with tempfile.TemporaryDirectory(prefix="mr-dkim-") as folder:
        path, record = rsa_key(folder, 2048)
        check_signing(path, record)
        check_signing(*ed25519_key(folder))
        check_verifying(folder, path, record)
        check_weak_key(folder)
        check_examples(folder)
        check_leaks(folder, path, record)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())

"""A certificate authority and one server certificate of our own making, valid for a day."""

import subprocess

from . import layout

EXTENSIONS = f"subjectAltName=DNS:{layout.HOSTNAME},DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n"


def openssl(*args, **kwargs):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **kwargs)


def make(lay):
    tls = lay.tls
    if (tls / "cert.pem").exists():
        return
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", tls / "ca.key", "-out", tls / "ca.pem", "-days", 1, "-subj", "/CN=Mailreeve demo CA")
    openssl("req", *curve, "-keyout", tls / "key.pem", "-out", tls / "request.pem", "-subj", f"/CN={layout.HOSTNAME}")
    (tls / "extensions").write_text(EXTENSIONS)
    openssl("x509", "-req", "-in", tls / "request.pem", "-CA", tls / "ca.pem", "-CAkey", tls / "ca.key", "-CAcreateserial",
            "-days", 1, "-extfile", tls / "extensions", "-out", tls / "cert.pem")
    for name in ("key.pem", "ca.key"):
        (tls / name).chmod(0o600)

"""A private Dovecot from the shipped configuration. The folder for auth modules is compiled into Dovecot, so it runs in a mount namespace of its own, where a
copy with our plugin in it lies over the stock one."""

import shutil
import subprocess

from . import accounts, layout, units

MODULES = "/usr/lib/dovecot/modules"
PRIVATE = """
# Added for a private stack
base_dir = {root}/base
state_dir = {root}/state
log_path = {log}
listen = 127.0.0.1{ipv6}
mail_max_userip_connections = 100
plugin {{
  sieve_before = {root}/sieve/before.sieve
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {sieve}
  }}
}}
"""
OVERLAY = ["unshare", "-m", "--propagation", "private", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"']


def compile_sieve(folder):
    """A copy of the shipped script with its compiled form beside it, as the package makes it: mail processes may not write there."""
    shutil.copytree(layout.SOURCE / "packaging/dovecot/sieve", folder, dirs_exist_ok=True)
    subprocess.run(["sievec", "-c", "/dev/null", folder / "before.sieve"], check=True)


def start(lay, servers, rendered):
    """rendered: the text of `mailreeve setup print dovecot`."""
    root = lay.dovecot
    for name in ("base", "state"):
        accounts.make_folder(root / name, 0o755, "root")
    compile_sieve(root / "sieve")
    modules = root / "modules"
    if not modules.exists():
        shutil.copytree(MODULES, modules)
        shutil.copy(lay.build / "dovecot-plugin/libauthdb_mailreeve.so", modules / "auth")
        shutil.copy(lay.build / "dovecot-plugin/lib25_mailreeve_plugin.so", modules)
    conf = root / "dovecot.conf"
    log = lay.log / "dovecot.log"
    conf.write_text(rendered + PRIVATE.format(root=root, log=log, ipv6=", ::1" if lay.ipv6 else "", **lay.ports))
    servers.start("dovecot", [*OVERLAY, modules, MODULES, "dovecot", "-F", "-c", conf])
    for port in ("imap", "imaps", "pop3", "pop3s", "sieve"):
        units.wait_for(f"dovecot {port}", units.listening(("127.0.0.1", lay.ports[port])))


def doveadm(lay, servers, *words, check=True):
    """doveadm in Dovecot's mount namespace, where it finds our plugin."""
    return subprocess.run(["nsenter", "-t", str(servers.pid("dovecot")), "-m", "doveadm", "-c", str(lay.dovecot / "dovecot.conf"), *words],
                          capture_output=True, text=True, check=check)

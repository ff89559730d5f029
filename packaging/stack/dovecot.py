"""A private Dovecot from the shipped configuration. The folder for auth modules is compiled into Dovecot; its auth processes are started by a wrapper that
leads them to one with our plugin in it (auth-modules.c). Mount namespaces would do that too, but not in every container."""

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
mail_plugin_dir = {root}/modules
service auth {{
  executable = {root}/auth
}}
service auth-worker {{
  executable = {root}/auth -w
}}
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
AUTH = """#!/bin/bash
export MR_AUTH_MODULES={root}/modules/auth LD_PRELOAD={root}/auth-modules.so
exec -a dovecot/auth /usr/lib/dovecot/auth "$@"
"""


def compile_sieve(folder):
    """A copy of the shipped script with its compiled form beside it, as the package makes it: mail processes may not write there."""
    shutil.copytree(layout.SOURCE / "packaging/dovecot/sieve", folder, dirs_exist_ok=True)
    subprocess.run(["sievec", "-c", "/dev/null", folder / "before.sieve"], check=True)


def conf_of(lay, rendered):
    """dovecot.conf of a private stack. rendered: the text of `mailreeve setup print dovecot`."""
    return rendered + PRIVATE.format(root=lay.dovecot, log=lay.log / "dovecot.log", ipv6=", ::1" if lay.ipv6 else "", **lay.ports)


def start(lay, servers, rendered):
    root = lay.dovecot
    for name in ("base", "state"):
        accounts.make_folder(root / name, 0o755, "root")
    compile_sieve(root / "sieve")
    if not (root / "modules").exists():
        add_modules(lay.build, root)
    conf = root / "dovecot.conf"
    conf.write_text(conf_of(lay, rendered))
    servers.start("dovecot", ["dovecot", "-F", "-c", conf])
    for port in ("imap", "imaps", "pop3", "pop3s", "sieve"):
        units.wait_for(f"dovecot {port}", units.listening(("127.0.0.1", lay.ports[port])))


def add_modules(build, root):
    """Copies of the stock modules with ours among them, and the wrapper."""
    shutil.copytree(MODULES, root / "modules")
    shutil.copy(build / "dovecot-plugin/libauthdb_mailreeve.so", root / "modules/auth")
    shutil.copy(build / "dovecot-plugin/lib25_mailreeve_plugin.so", root / "modules")
    shutil.copy(build / "packaging/stack/auth-modules.so", root)
    (root / "auth").write_text(AUTH.format(root=root))
    (root / "auth").chmod(0o755)


def doveadm(lay, *words, check=True):
    return subprocess.run(["doveadm", "-c", str(lay.dovecot / "dovecot.conf"), *words], capture_output=True, text=True, check=check)

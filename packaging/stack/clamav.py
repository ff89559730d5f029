"""A private clamd that knows one signature: the EICAR test file's."""

import shutil

from . import accounts, units

# In two pieces, so that no scanner takes this file for it.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def start(lay, servers):
    """From a copy of the program: a profile of AppArmor for the host's own would keep it from our folder."""
    root = lay.clamd_socket.parent
    for folder in (root, root / "db", root / "tmp"):
        accounts.make_folder(folder, 0o755, "clamav")
    (root / "db/own.ndb").write_text(f"Eicar-Test:0:*:{EICAR.encode().hex()}\n")
    conf = root / "clamd.conf"
    conf.write_text(f"""DatabaseDirectory {root}/db
OfficialDatabaseOnly no
LocalSocket {lay.clamd_socket}
LocalSocketMode 666
TemporaryDirectory {root}/tmp
Foreground yes
""")
    program = shutil.copy(shutil.which("clamd", path="/usr/sbin:/usr/bin"), root / "clamd")
    servers.start("clamd", [program, "-c", conf], user="clamav", restart=True)
    units.wait_for("clamd", units.listening(lay.clamd_socket))

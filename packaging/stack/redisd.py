"""A private Redis on a Unix socket, with a user of its own for our daemons as on a host."""

from . import accounts, units

USER, PASSWORD = "mailreeve", "demo-redis"


def start(lay, servers):
    root = lay.redis_socket.parent
    accounts.make_folder(root, 0o755, "redis")
    conf = root / "redis.conf"
    conf.write_text(f"""port 0
unixsocket {lay.redis_socket}
unixsocketperm 777
dir {root}
save ""
appendonly no
user default on nopass ~* &* +@all
user {USER} on >{PASSWORD} ~mailreeve:* &mailreeve:* +@all -@dangerous
""")
    accounts.make_secret(lay.keys / "redis-password", PASSWORD, "mailreeve")
    servers.start("redis", ["redis-server", conf], user="redis", restart=True)
    units.wait_for("redis", units.listening(lay.redis_socket))

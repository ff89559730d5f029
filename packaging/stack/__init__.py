"""A whole private mail host under one folder, on ports of its own: for packaging/demo and tests/e2e.

Stock MariaDB, Redis, Unbound, Dovecot and Postfix, our three daemons as their own users, and a foreign host that takes mail (the sink). Nothing outside
the folder is touched but the system users of packaging/systemd/sysusers.conf. See host.Host for the order of things."""

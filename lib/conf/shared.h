/* shared: the options outside any section, which all programs read. Embed struct mr_conf_shared FIRST in the program's conf struct. */
#pragma once
#include "conf/conf.h"

struct mr_conf_shared {
	char *run_dir;                  /* /run/mailreeve */
	char *state_dir;                /* /var/lib/mailreeve */
	char *postfix_dir;              /* /var/spool/postfix: sockets are bound a second time in its run/mailreeve; "" = not */
	char *hostname;                 /* name of this host in headers, SRS and logs; "" = gethostname() */
	int log_target;                 /* 0 stderr, 1 syslog */
	int log_level;                  /* enum mr_log_level */
	char *db_socket;                /* "" = none; the server there is preferred to those of db_host */
	struct mr_conf_strings db_host; /* "host", "host:port", "/socket": the first that will do is used */
	char *db_name, *db_password_file, *db_ca_file;
	char *db_user; /* "" = the name of the process's user (unix_socket), so that each program has its own rights */
	int64_t db_port;
	uint64_t db_timeout, db_take_over; /* ms */
	char *redis_socket;                /* "" = redis_address */
	char *redis_address;               /* HOSTPORT; "" too = no Redis */
	char *redis_user, *redis_password_file, *redis_prefix;
	char *resolver;        /* HOSTPORT of the local Unbound */
	int64_t forward_port;  /* loopback port of the forwarding pass, 10027 */
	int64_t redirect_port; /* loopback port for what Dovecot sends, 10029 */
	char *delimiter;       /* exactly one character, default "+" */
	char *srs_domain;      /* a hosted domain for rewritten senders; "" = hostname */
	char *srs_secret_file;
	char *dkim_keyring_file;
	char *relay_keyring_file;
	uint64_t dkim_keep_record; /* ms that the record of a retired key must stay in DNS */
	char *login_listen;        /* HOSTPORT of the loopback, where policyd takes the questions of Dovecot about log-ins; "" = nowhere */
	char *login_key_file;
	struct mr_conf_nets trusted_networks; /* clients that need no log-in to send */
	char *postmaster;                     /* who gets postmaster@ and abuse@ where nobody else does; "" = nobody */
};
extern const struct mr_option mr_conf_shared_options[];

/* shared: the table of the options that all programs read; see shared.h */

/* ours */
#include "conf/shared.h"

#define PORT_MAX 65535
#define SECOND   1000 /* ms */
#define DAY      (INT64_C(24) * 60 * 60 * SECOND)

#define FIELD(option_name) .name = #option_name, .offset = offsetof(struct mr_conf_shared, option_name)

const struct mr_option mr_conf_shared_options[] = {
	{ FIELD(run_dir), .type = MR_OPT_PATH, .min = 1, .def = "/run/mailreeve", .reload = MR_RELOAD_RESTART,
	  .help = "Folder of the sockets." },
	{ FIELD(state_dir), .type = MR_OPT_PATH, .min = 1, .def = "/var/lib/mailreeve", .reload = MR_RELOAD_RESTART,
	  .help = "Folder of what outlives a restart." },
	{ FIELD(postfix_dir), .type = MR_OPT_PATH, .def = "/var/spool/postfix", .reload = MR_RELOAD_RESTART,
	  .help = "Queue folder of Postfix, in whose run/mailreeve sockets are bound a second time for its chrooted daemons; \"\" binds "
		  "them once." },
	{ FIELD(hostname), .type = MR_OPT_DOMAIN, .def = "",
	  .help = "Name of this host in headers, rewritten senders and logs; \"\" asks the system." },
	{ FIELD(log_target), .type = MR_OPT_ENUM, .choices = "stderr|syslog", .def = "stderr", .reload = MR_RELOAD_RESTART,
	  .help = "Where log lines go; the service manager takes those of stderr into its journal." },
	{ FIELD(log_level), .type = MR_OPT_ENUM, .choices = "error|warning|notice|info|debug", .def = "info",
	  .help = "How much is logged." },
	{ FIELD(db_socket), .type = MR_OPT_PATH, .def = "/run/mysqld/mysqld.sock", .reload = MR_RELOAD_RESTART,
	  .help = "Socket of MariaDB on this host; \"\" is none." },
	{ FIELD(db_host), .type = MR_OPT_STRINGS, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "Further servers of MariaDB, as HOST, HOST:PORT or the path of a socket, in the order of preference after db_socket: the "
		  "first that answers is used, and left for a better one when that is back. Replicas must be set to read_only." },
	{ FIELD(db_port), .type = MR_OPT_INT, .min = 1, .max = PORT_MAX, .def = "3306", .reload = MR_RELOAD_RESTART,
	  .help = "Port of MariaDB on hosts that db_host names without one." },
	{ FIELD(db_name), .type = MR_OPT_STRING, .min = 1, .max = 64, .def = "mailreeve", .reload = MR_RELOAD_RESTART,
	  .help = "Name of the database." },
	{ FIELD(db_user), .type = MR_OPT_STRING, .max = 80, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "User at the database; \"\" is the name of the system's user, whom MariaDB knows by unix_socket." },
	{ FIELD(db_password_file), .type = MR_OPT_PATH, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "File with the password of db_user; \"\" sends none." },
	{ FIELD(db_ca_file), .type = MR_OPT_PATH, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "Certificate authority that the certificates of db_host must be of." },
	{ FIELD(db_timeout), .type = MR_OPT_DURATION, .min = SECOND, .max = 60 * SECOND, .def = "10s", .reload = MR_RELOAD_RESTART,
	  .help = "How long one answer of the database is waited for; where several servers are named, a connection for 2s at most." },
	{ FIELD(db_take_over), .type = MR_OPT_DURATION, .min = SECOND, .max = 24 * 3600 * SECOND, .def = "30s", .reload = MR_RELOAD_RESTART,
	  .help = "How long every server must have failed before one that is not read_only, but lacks changes that were seen elsewhere, is "
		  "taken as the truth: a replica was promoted, and the last changes are lost." },
	{ FIELD(redis_socket), .type = MR_OPT_PATH, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "Socket of Redis; \"\" connects to redis_address." },
	{ FIELD(redis_address), .type = MR_OPT_HOSTPORT, .def = "127.0.0.1:6379", .reload = MR_RELOAD_RESTART,
	  .help = "IP address and port of Redis, where redis_socket is \"\"; \"\" works without Redis." },
	{ FIELD(redis_user), .type = MR_OPT_STRING, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "User at Redis; \"\" is its default user." },
	{ FIELD(redis_password_file), .type = MR_OPT_PATH, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "File with the password at Redis; \"\" sends none." },
	{ FIELD(redis_prefix), .type = MR_OPT_STRING, .max = 100, .def = "mailreeve:", .reload = MR_RELOAD_RESTART,
	  .help = "How the names of our keys in Redis begin." },
	{ FIELD(resolver), .type = MR_OPT_HOSTPORT, .def = "127.0.0.1:53",
	  .help = "Address and port of the Unbound that validates for us." },
	{ FIELD(forward_port), .type = MR_OPT_INT, .min = 1, .max = PORT_MAX, .def = "10027",
	  .help = "Port on the loopback where Postfix takes forwarded mail for its second pass." },
	{ FIELD(redirect_port), .type = MR_OPT_INT, .min = 1, .max = PORT_MAX, .def = "10029",
	  .help = "Port on the loopback where Postfix takes what Dovecot sends: redirected mail, vacation replies." },
	{ FIELD(delimiter), .type = MR_OPT_STRING, .min = 1, .max = 1, .def = "+",
	  .help = "Character between mailbox and extension in addresses." },
	{ FIELD(srs_domain), .type = MR_OPT_DOMAIN, .def = "", .help = "Domain of rewritten senders; \"\" is hostname." },
	{ FIELD(srs_secret_file), .type = MR_OPT_PATH, .def = "/etc/mailreeve/keys/srs-secret",
	  .help = "File with the secret that rewritten senders are signed with." },
	{ FIELD(dkim_keyring_file), .type = MR_OPT_PATH, .def = "/etc/mailreeve/keys/dkim-keyring",
	  .help = "File with the key ring that DKIM keys in the database are sealed with." },
	{ FIELD(dkim_keep_record), .type = MR_OPT_DURATION, .min = 0, .max = 365 * DAY, .def = "7d",
	  .help = "How long the record of a retired DKIM key is still needed, for mail that is under way." },
	{ FIELD(login_listen), .type = MR_OPT_HOSTPORT, .def = "", .reload = MR_RELOAD_RESTART,
	  .help = "Address of the loopback and port where mailreeve-policyd answers Dovecot's questions about log-ins, such as "
		  "127.0.0.1:10028; \"\" is nowhere: no login protection." },
	{ FIELD(login_key_file), .type = MR_OPT_PATH, .min = 1, .def = "/etc/mailreeve/keys/login-key", .reload = MR_RELOAD_RESTART,
	  .help = "File with the key that Dovecot sends with these questions." },
	{ FIELD(relay_keyring_file), .type = MR_OPT_PATH, .def = "/etc/mailreeve/keys/relay-keyring",
	  .help = "File with the key ring that passwords at relay hosts are sealed with in the database." },
	{ FIELD(trusted_networks), .type = MR_OPT_NETS, .def = "",
	  .help = "Networks of clients that may send to anybody without a log-in, such as printers and application servers. Their mail "
		  "counts as "
		  "submitted: it is signed, and not judged by thresholds; nobody checks in whose name they send. Postfix learns of it by "
		  "\"mailreeve setup print postfix-main\"." },
	{ FIELD(postmaster), .type = MR_OPT_ADDRESS, .def = "",
	  .help = "Who gets mail for postmaster and abuse of a domain where nobody else does; \"\" is nobody." },
	MR_OPTIONS_END,
};

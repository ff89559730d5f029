/* The tables of sections `verbs`, `setup` and `admin`. */
#include "options.h"

#define OFFSET(member) offsetof(struct verbs_conf, member)
#define MIB            (1024 * 1024)

/* clang-format off */
#define ADMIN                                                                                                                              \
	{ "admin", "administrator", MR_OPT_ADDRESS, OFFSET(administrator), "", 0, 0, NULL, MR_RELOAD_YES,                                  \
	  "Who is told of locked and suspected accounts and of reached limits; \"\" is the shared postmaster." },                                           \
	{ "admin", "sendmail", MR_OPT_PATH, OFFSET(sendmail), "/usr/sbin/sendmail", 1, 0, NULL, MR_RELOAD_YES,                             \
	  "Postfix's sendmail, which takes notices." },                                                                                    \
	{ "admin", "postfix_config_dir", MR_OPT_PATH, OFFSET(postfix_config_dir), "", 0, 0, NULL, MR_RELOAD_YES,                           \
	  "Configuration folder of Postfix; \"\" is its own default." },                                                                   \
	{ "admin", "texts_dir", MR_OPT_PATH, OFFSET(texts_dir), "/usr/share/mailreeve/texts", 1, 0, NULL, MR_RELOAD_YES,                            \
	  "Folder of the texts of notices; a copy of it may be changed." },                                                                \
	{ "admin", "peers", MR_OPT_STRINGS, OFFSET(admin_peers), "mailreeve-policyd", 0, 0, NULL, MR_RELOAD_YES,                           \
	  "Users of the system who may ask, beside root." },                                                                               \
	{ "admin", "notifiers", MR_OPT_STRINGS, OFFSET(admin_notifiers), "mailreeve-milter", 0, 0, NULL, MR_RELOAD_YES,                    \
	  "Users of the system who may have the administrator told of mail on hold, and nothing else." },                                  \
	{ "admin", "db_user", MR_OPT_STRING, OFFSET(admin_db_user), "", 0, 0, NULL, MR_RELOAD_YES,                                         \
	  "Database user with which it writes; \"\" is mailreeve-admin, whom the server knows by its Unix user." },                        \
	{ "admin", "db_password_file", MR_OPT_PATH, OFFSET(admin_db_password_file), "", 0, 0, NULL, MR_RELOAD_YES,                         \
	  "File with the password of that user; \"\" sends none." }

const struct mr_option admin_options[] = { ADMIN, MR_OPTIONS_END };

const struct mr_option verbs_options[] = {
	ADMIN,
	{ "verbs", "db_user", MR_OPT_STRING, OFFSET(db_user), "", 0, 0, NULL, MR_RELOAD_YES,
	  "Database user with which the verbs write; empty: the shared db_user, with its password." },
	{ "verbs", "db_password_file", MR_OPT_PATH, OFFSET(db_password_file), "", 0, 0, NULL, MR_RELOAD_YES,
	  "File with the password of that user; empty: none is sent, for users that the server knows by their Unix user." },
	{ "verbs", "db_socket", MR_OPT_PATH, OFFSET(db_socket), "", 0, 0, NULL, MR_RELOAD_YES,
	  "Socket of the database for the verbs; empty: the shared db_socket." },

	{ "setup", "smtp_service", MR_OPT_STRING, OFFSET(smtp_service), "smtp", 0, 0, NULL, MR_RELOAD_YES,
	  "Port or service name of the MX listener, with an address before it if wanted, as in master.cf." },
	{ "setup", "submission_service", MR_OPT_STRING, OFFSET(submission_service), "submission", 0, 0, NULL, MR_RELOAD_YES,
	  "Port or service name of submission with STARTTLS." },
	{ "setup", "submissions_service", MR_OPT_STRING, OFFSET(submissions_service), "submissions", 0, 0, NULL, MR_RELOAD_YES,
	  "Port or service name of submission with TLS from the first byte." },
	{ "setup", "tls_cert_file", MR_OPT_PATH, OFFSET(tls_cert_file), "/etc/mailreeve/tls/cert.pem", 0, 0, NULL, MR_RELOAD_YES,
	  "Certificate chain of the mail host, in PEM." },
	{ "setup", "tls_key_file", MR_OPT_PATH, OFFSET(tls_key_file), "/etc/mailreeve/tls/key.pem", 0, 0, NULL, MR_RELOAD_YES,
	  "Private key of that certificate, in PEM." },
	{ "setup", "tls_ca_file", MR_OPT_PATH, OFFSET(tls_ca_file), "/etc/ssl/certs/ca-certificates.crt", 0, 0, NULL, MR_RELOAD_YES,
	  "Certificate authorities that Postfix trusts where another host must prove its name, in PEM." },
	{ "setup", "mail_dir", MR_OPT_PATH, OFFSET(mail_dir), "/var/vmail", 0, 0, NULL, MR_RELOAD_YES,
	  "Folder of all mail." },
	{ "setup", "vmail_user", MR_OPT_STRING, OFFSET(vmail_user), "vmail", 0, 0, NULL, MR_RELOAD_YES,
	  "Unix user that owns all mail." },
	{ "setup", "vmail_group", MR_OPT_STRING, OFFSET(vmail_group), "vmail", 0, 0, NULL, MR_RELOAD_YES,
	  "Unix group that owns all mail." },
	{ "setup", "message_size_limit", MR_OPT_SIZE, OFFSET(message_size_limit), "50M", MIB, (int64_t)2048 * MIB - 1, NULL, MR_RELOAD_YES,
	  "Largest message that is taken." },
	{ "setup", "milter_socket", MR_OPT_STRING, OFFSET(milter_socket), "run/mailreeve/milter/milter.sock", 0, 0, NULL, MR_RELOAD_YES,
	  "Socket of the milter as Postfix names it: absolute, or relative to Postfix's queue folder." },
	{ "setup", "lmtp_socket", MR_OPT_STRING, OFFSET(lmtp_socket), "private/dovecot-lmtp", 0, 0, NULL, MR_RELOAD_YES,
	  "Socket of Dovecot's LMTP server, relative to Postfix's queue folder." },
	{ "setup", "sasl_socket", MR_OPT_STRING, OFFSET(sasl_socket), "private/auth", 0, 0, NULL, MR_RELOAD_YES,
	  "Socket of Dovecot's authentication, relative to Postfix's queue folder." },
	{ "setup", "login_dovecot_file", MR_OPT_PATH, OFFSET(login_dovecot_file), "/etc/mailreeve/keys/dovecot-login.conf", 1, 0, NULL,
	  MR_RELOAD_YES, "File that Dovecot includes, with the key of login_key_file and the salt of the password hashes that it sends." },
	{ "setup", "milter_away", MR_OPT_ENUM, OFFSET(milter_away), "tempfail", 0, 0, "tempfail|accept|reject|quarantine", MR_RELOAD_YES,
	  "What Postfix does with mail while the milter is away." },
	{ "setup", "policyd_away", MR_OPT_ENUM, OFFSET(policyd_away), "dunno", 0, 0, "dunno|defer|reject", MR_RELOAD_YES,
	  "What Postfix does with a recipient while policyd is away." },
	{ "setup", "login_away_reject", MR_OPT_BOOL, OFFSET(login_away_reject), "no", 0, 0, NULL, MR_RELOAD_YES,
	  "Whether Dovecot refuses all log-ins while policyd is away." },
	{ "setup", "client_rate", MR_OPT_INT, OFFSET(client_rate), "120", 0, 1000000, NULL, MR_RELOAD_YES,
	  "Connections that a client may open in a minute at each port; 0 is any number." },
	{ "setup", "client_rate_exempt", MR_OPT_NETS, OFFSET(client_rate_exempt), "127.0.0.0/8, ::1", 0, 0, NULL, MR_RELOAD_YES,
	  "Networks whose clients may open any number, such as the webmail host." },
	MR_OPTIONS_END
};
/* clang-format on */

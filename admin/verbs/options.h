/* options: sections `verbs` and `setup` of mailreeve.conf, one struct for every verb of this folder. */
#pragma once
#include "conf/shared.h"

struct verbs_conf {
	struct mr_conf_shared shared;
	/* verbs: the writer; "" = as the shared option says. */
	char *db_user, *db_password_file, *db_socket;
	/* admin: who is told, and of mailreeve-admin who may ask and its writer. */
	char *administrator, *sendmail, *postfix_config_dir, *texts_dir;
	struct mr_conf_strings admin_peers, admin_notifiers;
	char *admin_db_user, *admin_db_password_file;
	/* setup: what the shipped files of Postfix and Dovecot need to know. */
	char *smtp_service, *submission_service, *submissions_service;
	char *tls_cert_file, *tls_key_file, *tls_ca_file;
	char *mail_dir, *vmail_user, *vmail_group;
	uint64_t message_size_limit; /* bytes */
	char *milter_socket, *lmtp_socket, *sasl_socket;
	char *login_dovecot_file;
	int milter_away, policyd_away; /* index of the choices in the table */
	bool login_away_reject;
	int64_t client_rate; /* connections a minute; 0 = unlimited */
	struct mr_conf_nets client_rate_exempt;
};
extern const struct mr_option verbs_options[];
extern const struct mr_option admin_options[]; /* of mailreeve-admin, over the same struct; nothing else of it is set there */

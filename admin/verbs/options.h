/* options: sections `verbs` and `setup` of mailreeve.conf, one struct for every verb of this folder. */
#pragma once
#include "conf/shared.h"

struct verbs_conf {
	struct mr_conf_shared shared;
	/* verbs: the writer; "" = as the shared option says. */
	char *db_user, *db_password_file, *db_socket;
	/* setup: what the shipped files of Postfix and Dovecot need to know. */
	char *smtp_service, *submission_service, *submissions_service;
	char *tls_cert_file, *tls_key_file, *tls_ca_file;
	char *mail_dir, *vmail_user, *vmail_group;
	uint64_t message_size_limit; /* bytes */
	char *milter_socket, *lmtp_socket, *sasl_socket;
	char *login_dovecot_file;
};
extern const struct mr_option verbs_options[];

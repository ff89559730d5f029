/* grants: the statements that make the database, its users and their rights, for the database's root to run. */
#pragma once
#include "base/buf.h"
#include "conf/shared.h"

/* reader: the user of lookup, who sees the views only; where none is named, it is the system's user mailreeve-lookup. writer: the user of
 * the verbs, who owns the tables; where none is named, root, who is left alone. admin: the user of mailreeve-admin, who
 * writes rows; where none is named, the system's user of that name. Where both are one user it is the writer. A user without a
 * password file is one that the server knows by the system's user (unix_socket). host NULL: "localhost" for a socket, else "%". The text
 * holds the passwords. It can be run again at any time, before and after `schema apply`. */
int mr_schema_grants(const struct mr_conf_shared *reader, const struct mr_conf_shared *writer, const struct mr_conf_shared *admin,
		     const char *host, struct mr_buf *out, struct mr_diag *diag);

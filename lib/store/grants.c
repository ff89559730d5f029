/* GRANT statements. */
#include "store/grants.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "rt/file.h"

#define SECRET_MAX 1024

static const char *const views[] = { "v_schema", "v_domain",     "v_mailbox", "v_alias", "v_list",  "v_limit",
				     "v_dkim",   "v_dkim_state", "v_rule",    "v_relay", "v_change" };

static void add_quoted(struct mr_buf *out, const char *text, char quote)
{
	mr_buf_putc(out, quote);
	for (; *text; text++) {
		if (*text == quote || (quote == '\'' && *text == '\\'))
			mr_buf_putc(out, *text == quote ? quote : '\\');
		mr_buf_putc(out, *text);
	}
	mr_buf_putc(out, quote);
}

static void add_user(struct mr_buf *out, const char *user, const char *host)
{
	add_quoted(out, user, '\'');
	mr_buf_putc(out, '@');
	add_quoted(out, host, '\'');
}

static int create_user(struct mr_buf *out, const struct mr_conf_shared *c, const char *user, const char *host, struct mr_diag *diag)
{
	static const char *const verbs[] = { "CREATE USER IF NOT EXISTS ", "ALTER USER " };
	struct mr_buf secret = MR_BUF(SECRET_MAX);
	int r = *c->db_password_file ? mr_file_secret(c->db_password_file, &secret, diag) : 0;

	for (size_t i = 0; i < MR_COUNT(verbs) && r == 0; i++) {
		mr_buf_puts(out, verbs[i]);
		add_user(out, user, host);
		if (secret.n) {
			mr_buf_puts(out, " IDENTIFIED BY ");
			add_quoted(out, secret.p, '\'');
		} else {
			mr_buf_puts(out, " IDENTIFIED VIA unix_socket");
		}
		mr_buf_puts(out, ";\n");
	}
	mr_wipe(secret.p, secret.cap);
	mr_buf_done(&secret);
	return r;
}

static void add_on(struct mr_buf *out, const char *what, const char *database, const char *table, const char *to_from, const char *user,
		   const char *host)
{
	mr_buf_printf(out, "%s ON ", what);
	add_quoted(out, database, '`');
	mr_buf_printf(out, ".%s %s ", table, to_from);
	add_user(out, user, host);
	mr_buf_puts(out, ";\n");
}

int mr_schema_grants(const struct mr_conf_shared *reader, const struct mr_conf_shared *writer, const struct mr_conf_shared *admin,
		     const char *host, struct mr_buf *out, struct mr_diag *diag)
{
	const char *name = writer->db_name, *from = host ? host : writer->db_host.n == 0 ? "localhost" : "%";
	const char *reads = *reader->db_user ? reader->db_user : "mailreeve-lookup", *writes = *writer->db_user ? writer->db_user : "root";
	bool one = mr_slice_eq(mr_slice_of(reads), mr_slice_of(writes));
	int r = 0;

	mr_buf_puts(out, "CREATE DATABASE IF NOT EXISTS ");
	add_quoted(out, name, '`');
	mr_buf_puts(out, " CHARACTER SET utf8mb4;\n");
	if (!mr_slice_eq(mr_slice_of(writes), MR_LIT("root"))) {
		r = create_user(out, writer, writes, from, diag);
		add_on(out, "GRANT ALL PRIVILEGES", name, "*", "TO", writes, from);
	}
	if (r == 0 && !one)
		r = create_user(out, reader, reads, from, diag);
	const char *administers = *admin->db_user ? admin->db_user : "mailreeve-admin";
	if (r == 0 && strcmp(administers, writes) != 0 && strcmp(administers, "root") != 0) {
		r = create_user(out, admin, administers, from, diag);
		add_on(out, "GRANT SELECT, INSERT, UPDATE, DELETE", name, "*", "TO", administers, from);
	}
	/* A right to create may be given on a view that does not exist yet; the right to read stays when it is taken back. */
	for (size_t i = 0; i < MR_COUNT(views) && r == 0 && !one; i++) {
		add_on(out, "GRANT SELECT, CREATE", name, views[i], "TO", reads, from);
		add_on(out, "REVOKE CREATE", name, views[i], "FROM", reads, from);
	}
	if (r == 0 && out->full)
		r = mr_diag_set(diag, -ENOBUFS, "the statements are too long");
	return r;
}

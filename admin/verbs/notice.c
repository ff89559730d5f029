/* Mail about accounts. */
#include "notice.h"

/* system */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "rt/file.h"
#include "rt/tool.h"
#include "store/validate.h"
#include "store/write.h"

#define TEXT_MAX    65536
#define SENDMAIL_MS 20000
#define ADMIN_ONLY  "hijack-notice" /* a kind: a suspicion, that the user need not know of, nor who has taken the account */

struct value {
	struct mr_slice name;
	const char *value;
};

/* What is no name of ours stays as it is. */
static void fill_in(struct mr_slice text, const struct value *values, size_t n, struct mr_buf *out)
{
	while (text.n > 0) {
		size_t i = 0;

		while (i < n && !mr_slice_starts(text, values[i].name))
			i++;
		if (i < n)
			mr_buf_puts(out, values[i].value);
		else
			mr_buf_putc(out, *text.p);
		text = mr_slice_from(text, i < n ? values[i].name.n : 1);
	}
}

static int submit(const struct verbs_conf *conf, const char *to, const struct mr_buf *message, struct mr_diag *diag)
{
	const char *const with[] = { conf->sendmail, "-C", conf->postfix_config_dir, "-oi", "-f", "", "--", to, NULL };
	const char *const without[] = { conf->sendmail, "-oi", "-f", "", "--", to, NULL };
	struct mr_buf said = MR_BUF(TEXT_MAX);
	int r = mr_tool_run(*conf->postfix_config_dir ? with : without, mr_buf_slice(message), SENDMAIL_MS, &said, diag);

	mr_buf_done(&said);
	return r;
}

static int send_one(const struct verbs_conf *conf, const char *name, const char *to, const struct value *values, size_t n,
		    struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(TEXT_MAX), message = MR_BUF(2 * TEXT_MAX);
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%s.txt", conf->texts_dir, name);
	r = mr_file_read(path, &text, diag);
	if (r == 0) {
		mr_buf_printf(&message, "From: Postmaster <%s>\nTo: <%s>\n", values[0].value, to);
		mr_buf_puts(&message, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
				      "Content-Transfer-Encoding: 8bit\n");
		fill_in(mr_buf_slice(&text), values, n, &message);
		r = message.full ? mr_diag_set(diag, -EMSGSIZE, "%s: too long", path) : submit(conf, to, &message, diag);
	}
	mr_buf_done(&text);
	mr_buf_done(&message);
	return r;
}

/* address: NULL: it is about this host, and no user is told. What reaches nobody is no notice: the next one is tried, on the same day, too.
 */
static int send_all(const struct verbs_conf *conf, struct mr_db *db, const char *kind, const char *address, bool user, const char *text,
		    struct mr_diag *diag)
{
	const char *administrator = *conf->administrator ? conf->administrator : conf->shared.postmaster, *hostname = conf->shared.hostname;
	char host[HOST_NAME_MAX + 1] = "", from[HOST_NAME_MAX + 16], name[64];
	struct mr_diag why = { 0 }, ignored = { 0 };
	bool first = false;
	int r, second = 0;

	if (!user && !*administrator)
		return mr_diag_set(diag, -ENOENT, "there is nobody to tell: neither admin.administrator nor postmaster is set");

	gethostname(host, sizeof(host) - 1);
	hostname = *hostname ? hostname : host;
	snprintf(from, sizeof(from), "postmaster@%s", hostname);
	const struct value values[] = {
		{ MR_LIT("{{from}}"), *administrator ? administrator : from },
		{ MR_LIT("{{address}}"), address ? address : hostname },
		{ MR_LIT("{{text}}"), text },
		{ MR_LIT("{{hostname}}"), hostname },
	};
	r = mr_write_notice(db, address ? address : hostname, kind, &first, diag);
	if (r < 0 || !first)
		return r;
	snprintf(name, sizeof(name), "%s-user", kind);
	if (user)
		r = send_one(conf, name, address, values, MR_COUNT(values), diag);
	snprintf(name, sizeof(name), "%s-admin", kind);
	if (*administrator)
		second = send_one(conf, name, administrator, values, MR_COUNT(values), &why);
	if ((!user || r < 0) && (!*administrator || second < 0))
		mr_write_notice_undo(db, values[1].value, kind, &ignored);
	if (r == 0 && second < 0)
		r = mr_diag_set(diag, second, "%s", why.text);
	return r;
}

int notice_send(const struct verbs_conf *conf, struct mr_db *db, const char *kind, const char *address, const char *text,
		struct mr_diag *diag)
{
	return send_all(conf, db, kind, address, strcmp(kind, ADMIN_ONLY) != 0, text, diag);
}

int notice_send_of_host(const struct verbs_conf *conf, struct mr_db *db, const char *kind, const char *text, struct mr_diag *diag)
{
	return send_all(conf, db, kind, NULL, false, text, diag);
}

int notice_check(const char *address, const char *text, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account account;
	int r = mr_validate_account(address, arena, &account, diag);

	return r < 0 ? r : mr_validate_reason(text, diag);
}

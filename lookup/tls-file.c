/* Policies and their files: "ID FETCHED", a line break, the policy as it came. */
#include "tls-private.h"

/* system */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"

#define PATH_LEN 4096
#define HEAD_MAX 100 /* bytes of the first line */

void tls_policy_drop(struct tls_domain *d)
{
	mr_arena_free(d->policy_arena);
	d->policy_arena = NULL;
	d->policy = NULL;
	d->id[0] = '\0';
}

bool tls_policy_holds(const struct tls_domain *d)
{
	return d->policy != NULL && mr_wall() < d->fetched + (int64_t)d->policy->max_age;
}

int tls_policy_set(struct tls_domain *d, const char *id, struct mr_slice text, int64_t fetched, struct mr_diag *diag)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct mr_sts_policy *p = mr_arena_alloc(arena, sizeof(*p));
	int r = mr_sts_policy_parse(text, arena, p, diag);

	if (r < 0) {
		mr_arena_free(arena);
		return r;
	}
	tls_policy_drop(d);
	d->policy_arena = arena;
	d->policy = p;
	d->fetched = fetched;
	snprintf(d->id, sizeof(d->id), "%s", id);
	return 0;
}

/* Names of domains are checked before they come here: letters, digits, hyphens, dots between. */
static const char *path_of(const struct mr_tls_config *c, const char *name, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%s", c->folder, name);
	return path;
}

void tls_file_load(const struct mr_tls_config *c, struct tls_domain *d)
{
	struct mr_buf text = MR_BUF(MR_STS_POLICY_MAX + HEAD_MAX);
	struct mr_slice rest, head, id = { 0 };
	struct mr_diag diag = { 0 };
	char path[PATH_LEN], id_text[MR_STS_ID_MAX + 1];
	int64_t fetched = 0, now = mr_wall();
	int r = c->folder[0] ? mr_file_read(path_of(c, d->name, path), &text, &diag) : -ENOENT;

	rest = mr_buf_slice(&text);
	if (r == 0 && (!mr_slice_next(&rest, '\n', &head) || !mr_slice_next(&head, ' ', &id) || id.n > MR_STS_ID_MAX ||
		       mr_parse_i64(head, 0, INT64_MAX / 2, &fetched) < 0 || fetched > now))
		r = mr_diag_set(&diag, -EINVAL, "the first line is broken");
	if (r == 0) {
		snprintf(id_text, sizeof(id_text), "%.*s", (int)id.n, id.p);
		r = tls_policy_set(d, id_text, rest, fetched, &diag);
	}
	if (r == 0 && !tls_policy_holds(d)) {
		tls_policy_drop(d);
		unlink(path);
	} else if (r < 0 && r != -ENOENT) {
		mr_log(MR_LOG_WARNING, "sts-file-ignored", mr_s("file", path), mr_s("reason", diag.text));
	}
	mr_buf_done(&text);
}

struct write_job {
	char *path;
	struct mr_buf text;
	int err;
	struct mr_diag diag;
};

static void write_run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct write_job *j = arg;

	j->err = mr_file_write(j->path, 0600, mr_buf_slice(&j->text), &j->diag);
}

static void write_done(void *arg)
{
	struct write_job *j = arg;

	if (j->err < 0)
		mr_log(MR_LOG_ERROR, "sts-file-not-written", mr_s("reason", j->diag.text));
	mr_buf_done(&j->text);
	free(j->path);
	free(j);
}

void tls_file_save(const struct mr_tls_config *c, const struct tls_domain *d, struct mr_slice text)
{
	struct write_job *j;
	char path[PATH_LEN];

	if (c->folder[0] == '\0')
		return;
	j = mr_new(struct write_job, 1);
	j->path = mr_strdup(path_of(c, d->name, path));
	j->text = MR_BUF(MR_STS_POLICY_MAX + HEAD_MAX);
	mr_buf_printf(&j->text, "%s %" PRId64 "\n", d->id, d->fetched);
	mr_buf_add(&j->text, text);
	if (c->pool != NULL && mr_db_pool_submit(c->pool, &(struct mr_db_job){ .job = write_run, .done = write_done, .arg = j }) == 0)
		return;
	write_run(NULL, NULL, j);
	write_done(j);
}

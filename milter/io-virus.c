/* io-virus: has clamd look at a message; one that it does not finish, again and again, is held; see io.h. */

/* system */
#include <string.h>

/* ours */
#include "io-private.h"
#include "rt/clock.h"
#include "spool.h"
#include "virus.h"

#define CLAMD_TRIES 3 /* clamd had no answer in clamd_timeout: the message comes again as often, then it is held */

static void on_clamd(const struct mr_clamd_answer *a, void *arg)
{
	struct mr_job *j = arg;

	j->side.clamd = NULL;
	j->clamd_ms = mr_now_ms() - j->side.began;
	mr_virus_note(j, a);
	if (j->virus == MR_VIRUS_AWAY && j->clamd_ms >= j->settings->clamd_timeout &&
	    mr_killers_add(&j->io->slow_for_clamd, j->message) >= CLAMD_TRIES)
		j->virus = MR_VIRUS_SLOW;
	mr_io_finish_if_complete(j);
	mr_job_unref(j);
}

void mr_io_ask_clamd(struct mr_job *j)
{
	struct mr_clamd_message m = { .lead = MR_LIT(MR_SPOOL_LEAD), .bytes = j->message };

	if (mr_killers_count(&j->io->slow_for_clamd, j->message) >= CLAMD_TRIES && j->settings->clamd_away == MR_CLAMD_AWAY_DEFER) {
		j->virus = MR_VIRUS_SLOW;
		return;
	}
	if (mr_job_need_memfd(j) < 0) {
		mr_virus_note(j, NULL);
		return;
	}
	m.fd = j->memfd;
	memcpy(m.sha256, j->sha256, sizeof(m.sha256));
	j->side.clamd = mr_clamd_ask(j->io->clamd, &m, j->side.began + j->settings->clamd_timeout, on_clamd, mr_job_ref(j));
}

void mr_io_forget_clamd(struct mr_job *j)
{
	if (!j->side.clamd)
		return;
	mr_clamd_cancel(j->side.clamd);
	j->side.clamd = NULL;
	j->clamd_ms = mr_now_ms() - j->side.began;
	mr_virus_note(j, NULL);
	mr_job_unref(j);
}

void mr_io_set_clamd(struct mr_milter_io *io, const struct mr_milter_conf *conf)
{
	mr_clamd_set(io->clamd, &(struct mr_clamd_config){ .servers = (const char *const *)conf->clamd.v,
							   .n_servers = conf->clamd.n,
							   .stream = conf->clamd_mode == MR_CLAMD_STREAM,
							   .cache_ms = conf->clamd_cache });
}

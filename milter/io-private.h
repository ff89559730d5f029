/* io-private: what io.c, io-sign.c, io-fuzzy.c and io-virus.c share. */
#pragma once
#include "io.h"
#include "killers.h"
#include "rt/admin.h"
#include "rt/dns-kept.h"

struct mr_milter_io {
	struct mr_loop *loop;
	struct mr_pool *pool;
	struct mr_directory *directory;
	struct mr_dns *dns;
	struct mr_dns_kept *kept; /* its last answers, but for those of lists */
	struct mr_greylist *greylist;
	struct mr_fuzzy_store *fuzzy;
	struct mr_quarantine_sweep *sweep;
	struct mr_outbound *outbound; /* NULL: nobody is told */
	struct mr_admin *admin;       /* has the administrator told */
	struct mr_clamd *clamd;
	struct mr_list_health *lists;
	struct mr_job *jobs; /* submitted and not finished */
	size_t n_jobs;
	struct mr_killers killers;
	struct mr_killers slow_for_clamd; /* contents that it did not finish in clamd_timeout, and how often */
};

/* io.c: ends the job when nothing is open any more. */
void mr_io_finish_if_complete(struct mr_job *j);
/* io-sign.c. Whose keys: of the author's domain; of what is forwarded, those of the host. */
void mr_io_ask_sender(struct mr_job *j);
/* io-fuzzy.c. Once the scan is over: is the message like others? The end waits for the answer. */
void mr_io_ask_fuzzy(struct mr_job *j);
/* Its answer is not waited for any longer. */
void mr_io_forget_fuzzy(struct mr_job *j);
/* io-virus.c. Its answer is waited for, until clamd_timeout; or not any longer. */
void mr_io_ask_clamd(struct mr_job *j);
void mr_io_forget_clamd(struct mr_job *j);
void mr_io_set_clamd(struct mr_milter_io *io, const struct mr_milter_conf *conf);

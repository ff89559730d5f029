/* io: what is found out about a message, on the one I/O loop: its recipients' finals, whether and with which key it is signed, and its
 * scan, all at once. Every job ends: by its answers or at its deadline. */
#pragma once
#include "directory/directory.h"
#include "job.h"
#include "list-health.h"
#include "rt/dns.h"

struct mr_milter_io;

int mr_milter_io_new(struct mr_loop *l, const struct mr_milter_conf *conf, struct mr_milter_io **out, struct mr_diag *diag);
void mr_milter_io_reload(struct mr_milter_io *io, const struct mr_milter_conf *conf); /* a fresh master of scanners */
/* Jobs under way end as they are: what is not known stays unknown. */
void mr_milter_io_end_jobs(struct mr_milter_io *io);
void mr_milter_io_free(struct mr_milter_io *io);
/* Messages at their end: a line each, "QUEUE-ID=MS WHAT-IT-WAITS-FOR". */
void mr_milter_io_pending(const struct mr_milter_io *io, struct mr_buf *out);
size_t mr_milter_io_jobs(const struct mr_milter_io *io);
struct mr_pool *mr_milter_io_pool(struct mr_milter_io *io);
struct mr_directory *mr_milter_io_directory(struct mr_milter_io *io);
struct mr_clamd *mr_milter_io_clamd(struct mr_milter_io *io);
const struct mr_list_health *mr_milter_io_lists(const struct mr_milter_io *io);

/* Any thread. The recipient's question goes out with what the loop does next, at the latest at the end of the message. */
void mr_milter_io_resolve(struct mr_job_recipient *r);
/* Any thread. The facts are complete; mr_job_wait() tells when the findings are. */
void mr_milter_io_submit(struct mr_job *j);
/* Any thread, after that: has the administrator told that the message is on hold, since it could not be looked at. */
void mr_milter_io_tell_held(struct mr_job *j);
/* Any thread, after that: has its sender come again? mr_job_wait() tells when job->grey is there. */
void mr_milter_io_greylist(struct mr_job *j);
#define MR_MILTER_GREY_MS 2000 /* that takes at most */

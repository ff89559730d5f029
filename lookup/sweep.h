/* sweep: open sessions of accounts that may not log in any more although no change of theirs said so: an account that has expired, a domain
 * that was switched off, a row of a site's own that somebody wrote by hand. Now and then the root helper is asked who has a session on this
 * host, each account is looked up, and the sessions of those that are switched off are dropped. Who has no account here is left alone
 * (other databases of Dovecot may have it), and nobody is dropped on the strength of rows that may be out of date. Loop thread only. */
#pragma once
#include "account.h"
#include "question.h"
#include "revoke.h"

struct mr_sweep;
struct mr_sweep_config {
	uint64_t interval_ms;     /* 0: only when it is asked for */
	const char *hostd_socket; /* copied */
	struct mr_questions *questions;
	const struct mr_directory_context *context;
	struct mr_revoke *revoke;
};
struct mr_sweep *mr_sweep_new(struct mr_loop *l, const struct mr_sweep_config *c);
/* Before the questions are; those that are open end in nothing. */
void mr_sweep_free(struct mr_sweep *s);
void mr_sweep_configure(struct mr_sweep *s, uint64_t interval_ms);
/* Something was taken from many at once: in a second, when log-ins on their way have come to an end. */
void mr_sweep_soon(struct mr_sweep *s);

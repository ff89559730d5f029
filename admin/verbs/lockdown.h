/* lockdown: an account is locked in one step: written, refused by this host's lookup, its sessions dropped, its queued messages held. The
 * lookups of other hosts do the same there. For the verb and for mailreeve-admin. */
#pragma once
#include "hostd.h"
#include "store/db.h"

struct lockdown {
	char address[330];         /* as the database has it */
	bool changed;              /* else it was so already */
	uint64_t held;             /* messages of it that are on hold on this host */
	bool in_part;              /* ... of which not all were looked for, as the queue is that long */
	struct mr_diag hostd_diag; /* why sessions were not dropped and messages not held or looked for; empty: they were */
};
/* 0 once the database has it; -errno with the reason when it has not. */
int lockdown_lock(struct mr_db *db, const char *address, const char *reason, struct lockdown *out, struct mr_diag *diag);
int lockdown_unlock(struct mr_db *db, const char *address, struct lockdown *out, struct mr_diag *diag);
/* After the lookups have been told: what is open on this host. Takes a second: sessions that began while the change was on its way are
 * dropped then. turns: as in hostd.h. */
void lockdown_end(const struct mr_conf_shared *c, const char *address, unsigned turns, struct lockdown *out);
/* Fills in `held`. */
void lockdown_count_held(const struct mr_conf_shared *c, const char *address, unsigned turns, struct lockdown *out);

/* dkim-keys: the signing keys of a domain, and what every authoritative server shows of them. */
#pragma once
#include "database.h"
#include "store/list.h"

/* What one server shows at a key's name. */
struct dkim_shown {
	const char *server, *address; /* "": the resolver, which holds the zone itself; no address: none was found */
	const char *problem;          /* NULL: the record is as it should be */
	bool silent;                  /* it gave no answer */
	struct mr_slice *values;
	size_t n;
};
struct dkim_key {
	const struct mr_dkim_entry *entry;
	const char *name, *expected; /* of the TXT record */
	/* after dkim_look() */
	struct dkim_shown *shown;
	size_t n_shown;
	const char *problem; /* NULL: every server shows it */
	bool absent;         /* no server shows anything there */
};
struct dkim_keys {
	const char *domain;
	struct dkim_key *v;
	size_t n;
};
/* All that it returns lives in the arena. -ENOENT: there are none. */
int dkim_load(struct mr_db *db, const char *domain, struct mr_arena *arena, struct dkim_keys *out, struct mr_diag *diag);
/* Asks all servers for all keys. -EAGAIN: they cannot be found now. */
int dkim_look(const struct verbs_conf *conf, struct dkim_keys *keys, struct mr_arena *arena, struct mr_diag *diag);

/* Changes to DKIM keys: new ones, and what follows from a look at DNS. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/keygen.h"
#include "store/list.h"
#include "store/validate.h"

#define KINDS    2
#define KEYS_MAX 16 /* of one domain, retired ones included */

static const char *const kinds[KINDS] = { "rsa", "ed25519" };

/* -- a new key -- */

struct rotation {
	const char *domain;
	struct mr_dkim_pair pairs[KINDS];
	size_t n, made;
};

static bool waits(const struct mr_dkim_entry *keys, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i].state == MR_KEY_WAITING && mr_slice_eq(mr_slice_of(keys[i].algorithm), mr_slice_of(kind)))
			return true;
	}
	return false;
}

static int make_pairs(struct rotation *r, struct mr_db *db, const char *kind, const struct mr_keyring *ring, struct mr_arena *arena,
		      struct mr_diag *diag)
{
	struct mr_dkim_entry *keys;
	const char *taken[KEYS_MAX + 1];
	size_t n = 0;
	int err = mr_list_dkim(db, r->domain, arena, &keys, &n, diag);

	if (err == 0 && n > KEYS_MAX - KINDS)
		return mr_diag_set(diag, -E2BIG,
				   "%s has %zu keys; take the records of retired ones out of DNS and run mailreeve dkim advance", r->domain,
				   n);
	for (size_t i = 0; i < n && err == 0; i++)
		taken[i] = keys[i].selector;
	for (size_t i = 0; i < KINDS && err == 0; i++) {
		struct mr_dkim_pair *p = &r->pairs[r->n];

		if ((kind && !mr_slice_eq(mr_slice_of(kind), mr_slice_of(kinds[i]))) || waits(keys, n, kinds[i]))
			continue;
		*p = (struct mr_dkim_pair){ .selector = mr_dkim_selector(kinds[i], taken, n, arena), .algorithm = kinds[i] };
		err = mr_dkim_generate(r->domain, ring, arena, p, diag);
		r->n++;
	}
	return err;
}

/* Somebody may have begun another rotation meanwhile: then his keys stand. */
static int rotate_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct rotation *rotation = arg;
	struct mr_dkim_entry *keys;
	size_t n;
	int r = mr_change_domain(db, rotation->domain, diag);

	rotation->made = 0;
	if (r == 0)
		r = mr_list_dkim(db, rotation->domain, arena, &keys, &n, diag);
	for (size_t i = 0; i < rotation->n && r == 0; i++) {
		const struct mr_dkim_pair *p = &rotation->pairs[i];

		if (waits(keys, n, p->algorithm))
			continue;
		r = mr_change_dkim_add(db, rotation->domain, p, MR_KEY_WAITING, diag);
		rotation->made++;
	}
	return r < 0 ? r : mr_change_note(db, "domain", rotation->domain, "dkim", diag);
}

int mr_write_dkim_rotate(struct mr_db *db, const char *domain, const char *algorithm, const struct mr_keyring *ring, size_t *made,
			 struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct rotation rotation = { 0 };
	int r = mr_validate_domain(domain, arena, &rotation.domain, diag);

	if (r == 0)
		r = make_pairs(&rotation, db, algorithm, ring, arena, diag);
	if (r == 0)
		r = mr_transaction(db, rotate_body, &rotation, diag);
	if (r == 0)
		*made = rotation.made;
	return r;
}

/* -- after a look at DNS -- */

struct look {
	const char *domain;
	const struct mr_dkim_finding *findings;
	size_t n_findings;
	int64_t keep;
	struct mr_arena *arena;
	struct mr_dkim_step *steps;
	size_t n_steps;
};

static const struct mr_dkim_finding *finding_of(const struct look *look, const struct mr_dkim_entry *key)
{
	for (size_t i = 0; i < look->n_findings; i++) {
		const struct mr_dkim_finding *f = &look->findings[i];

		if (mr_slice_eq(mr_slice_of(f->selector), mr_slice_of(key->selector)) &&
		    mr_slice_eq(mr_slice_of(f->public_key), mr_slice_of(key->public_key)))
			return f;
	}
	return NULL;
}

static int note_finding(struct mr_db *db, const struct look *look, const struct mr_dkim_finding *f, struct mr_diag *diag)
{
	return mr_exec(db, "UPDATE dkim_key SET checked = UTC_TIMESTAMP(), problem = LEFT(?, 255) WHERE domain = ? AND selector = ?",
		       MR_PARAMS(mr_text(f->problem), mr_text(look->domain), mr_text(f->selector)), NULL, diag);
}

/* A retired key loses its private half. */
static int take_step(struct mr_db *db, const struct look *look, const char *selector, enum mr_key_state to, struct mr_diag *diag)
{
	if (to == MR_KEY_GONE)
		return mr_exec(db, "DELETE FROM dkim_key WHERE domain = ? AND selector = ?",
			       MR_PARAMS(mr_text(look->domain), mr_text(selector)), NULL, diag);
	return mr_exec(db,
		       "UPDATE dkim_key SET sealed_key = IF(? = 'retired', '', sealed_key), state = ?, since = UTC_TIMESTAMP() "
		       "WHERE domain = ? AND selector = ?",
		       MR_PARAMS(mr_text(mr_key_state_str(to)), mr_text(mr_key_state_str(to)), mr_text(look->domain), mr_text(selector)),
		       NULL, diag);
}

static int look_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct look *look = arg;
	struct mr_rotating_key *rotating;
	struct mr_dkim_entry *keys;
	size_t n = 0;
	int r = mr_change_domain(db, look->domain, diag);

	if (r == 0)
		r = mr_list_dkim(db, look->domain, look->arena, &keys, &n, diag);
	if (r < 0)
		return r;
	rotating = mr_arena_alloc(look->arena, (n + 1) * sizeof(*rotating));
	look->steps = mr_arena_alloc(look->arena, (n + 1) * sizeof(*look->steps));
	look->n_steps = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct mr_dkim_finding *f = finding_of(look, &keys[i]);

		rotating[i] = (struct mr_rotating_key){ .ed25519 = mr_slice_eq(mr_slice_of(keys[i].algorithm), MR_LIT("ed25519")),
							.state = keys[i].state,
							.age = keys[i].age,
							.seen = f && f->problem[0] == '\0',
							.absent = f && f->absent };
		r = f ? note_finding(db, look, f, diag) : 0;
	}
	mr_keys_rotate(rotating, n, look->keep);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (rotating[i].next == rotating[i].state)
			continue;
		look->steps[look->n_steps++] = (struct mr_dkim_step){ keys[i].selector, rotating[i].state, rotating[i].next };
		r = take_step(db, look, keys[i].selector, rotating[i].next, diag);
	}
	return r < 0 || !look->n_steps ? r : mr_change_note(db, "domain", look->domain, "dkim", diag);
}

int mr_write_dkim_found(struct mr_db *db, const char *domain, const struct mr_dkim_finding *findings, size_t n, int64_t keep,
			struct mr_arena *arena, struct mr_dkim_step **steps, size_t *n_steps, struct mr_diag *diag)
{
	struct look look = { .findings = findings, .n_findings = n, .keep = keep, .arena = arena };
	int r = mr_validate_domain(domain, arena, &look.domain, diag);

	if (r == 0)
		r = mr_transaction(db, look_body, &look, diag);
	if (r == 0) {
		*steps = look.steps;
		*n_steps = look.n_steps;
	}
	return r;
}

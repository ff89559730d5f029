/* key-rotation: see key-rotation.h. */
/* ours */
#include "base/mem.h"
#include "mail/key-rotation.h"

static const char *const names[] = {
	[MR_KEY_WAITING] = "waiting",
	[MR_KEY_SIGNING] = "signing",
	[MR_KEY_RETIRED] = "retired",
	[MR_KEY_GONE] = "gone",
};

const char *mr_key_state_str(enum mr_key_state s)
{
	return names[s];
}

bool mr_key_state_parse(struct mr_slice s, enum mr_key_state *out)
{
	if (mr_slice_eq(s, MR_LIT("stored")))
		s = MR_LIT("waiting");
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (!mr_slice_eq(s, mr_slice_of(names[i])))
			continue;
		*out = (enum mr_key_state)i;
		return true;
	}
	return false;
}

/* The key that is ready to take over among those of its kind, or NULL. */
static struct mr_rotating_key *ready(struct mr_rotating_key *keys, size_t n, bool ed25519)
{
	struct mr_rotating_key *found = NULL;

	for (size_t i = 0; i < n; i++) {
		struct mr_rotating_key *k = &keys[i];

		if (k->ed25519 == ed25519 && k->state == MR_KEY_WAITING && k->seen && (!found || k->age < found->age))
			found = k;
	}
	return found;
}

/* What waits for longer than the heir is overtaken. */
static void take_over(struct mr_rotating_key *keys, size_t n, struct mr_rotating_key *heir)
{
	for (size_t i = 0; i < n; i++) {
		struct mr_rotating_key *k = &keys[i];

		if (k->ed25519 == heir->ed25519 && (k->next == MR_KEY_SIGNING || (k->next == MR_KEY_WAITING && k->age >= heir->age)))
			k->next = MR_KEY_RETIRED;
	}
	heir->next = MR_KEY_SIGNING;
}

static bool rsa_signs_and_is_seen(const struct mr_rotating_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!keys[i].ed25519 && keys[i].next == MR_KEY_SIGNING && keys[i].seen)
			return true;
	}
	return false;
}

void mr_keys_rotate(struct mr_rotating_key *keys, size_t n, int64_t keep)
{
	struct mr_rotating_key *rsa = ready(keys, n, false), *ed25519 = ready(keys, n, true);

	for (size_t i = 0; i < n; i++) {
		struct mr_rotating_key *k = &keys[i];

		k->next = k->state == MR_KEY_RETIRED && k->absent && k->age >= keep ? MR_KEY_GONE : k->state;
	}
	if (rsa)
		take_over(keys, n, rsa);
	if (ed25519 && rsa_signs_and_is_seen(keys, n))
		take_over(keys, n, ed25519);
}

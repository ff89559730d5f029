/* key-rotation: how the DKIM keys of a domain take over from each other. A key waits until every authoritative server shows its record,
 * then signs in place of the one before, which is retired: it signs no more, and its record stays for the mail that is under way. When that
 * time is over and the record is gone from DNS, so is the key. An Ed25519 key signs beside an RSA key only, when both are seen: who knows
 * RSA alone must find a signature to check. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

enum mr_key_state { MR_KEY_WAITING, MR_KEY_SIGNING, MR_KEY_RETIRED, MR_KEY_GONE };
const char *mr_key_state_str(enum mr_key_state s);
/* "stored", as it was called once, is waiting. False: no such state. */
bool mr_key_state_parse(struct mr_slice s, enum mr_key_state *out);

struct mr_rotating_key {
	bool ed25519;
	enum mr_key_state state;
	int64_t age;            /* seconds in that state */
	bool seen;              /* every server shows the record as it should be */
	bool absent;            /* no server shows any record */
	enum mr_key_state next; /* set by mr_keys_rotate() */
};
/* Sets `next` of all keys of a domain. keep: seconds for which the record of a retired key must stay. Of several keys that are ready the
 * youngest takes over, the first of equals. Doing it twice changes nothing more. */
void mr_keys_rotate(struct mr_rotating_key *keys, size_t n, int64_t keep);

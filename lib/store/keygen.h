/* keygen: a new DKIM key pair. For this folder only. */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "base/seal.h"

struct mr_dkim_pair {
	const char *selector, *algorithm; /* "rsa" "ed25519" */
	const char *sealed_key;           /* PKCS #8 PEM, sealed for "dkim:DOMAIN:SELECTOR" */
	const char *public_key;           /* for p= (RFC 6376 section 3.6.1, RFC 8463 section 4) */
};
/* The first letter of the algorithm and the date; a further letter where that is taken. */
const char *mr_dkim_selector(const char *algorithm, const char *const *taken, size_t n, struct mr_arena *arena);
/* The selector and algorithm of *pair are given, the rest is filled in, in the arena. */
int mr_dkim_generate(const char *domain, const struct mr_keyring *ring, struct mr_arena *arena, struct mr_dkim_pair *pair,
		     struct mr_diag *diag);

/* key-record: the TXT record of a public key (RFC 6376 section 3.6.1, RFC 8463 section 4), and signatures checked with it. */
#pragma once
#include "proto/dns.h"

struct mr_key_record {
	bool ed25519;         /* else RSA */
	bool testing, strict; /* t=y, t=s: i= must be the very domain */
	struct mr_slice key;  /* p=, without white space; empty: revoked */
};
/* The records at the name of a key one after the other, *at being 0 for the first: where several stand there those that look like one, of
 * which a verifier may try each (RFC 6376 section 6.1.2). NULL: no more. */
#define MR_KEY_RECORDS_MAX 4 /* that are tried */
const struct mr_slice *mr_key_record_next(const struct mr_dns_answer *a, size_t *at);
/* NULL, or what is wrong with it in words. Tags that are not known, their order and white space do not matter. */
const char *mr_key_record_parse(struct mr_slice text, struct mr_arena *arena, struct mr_key_record *out);

/* Does DNS show this key (p= in base64) at its name? NULL, or what is wrong there, in words for whoever publishes it. Order, spaces, split
 * strings and further tags do not matter. */
const char *mr_key_published(const struct mr_dns_answer *a, bool ed25519, struct mr_slice public_key, struct mr_arena *arena);

struct mr_public_key;
/* NULL, or what is wrong with it in words. RSA of 1024 to 8192 bits (RFC 8301 section 3.2), or Ed25519. *bits also where it is too short.
 */
const char *mr_public_key_new(const struct mr_key_record *r, struct mr_public_key **out, unsigned *bits);
void mr_public_key_free(struct mr_public_key *k); /* NULL is fine */
/* Is `signature` (base64, white space inside is fine) one of `text`, by rsa-sha256 or ed25519-sha256? */
bool mr_public_key_verify(const struct mr_public_key *k, struct mr_slice text, struct mr_slice signature);

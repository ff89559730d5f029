/* authsite: a key, and messages with which our signatures, seals and their checking are exercised. Any number of threads at once, once
 * authsite_init() is done. Whatever goes wrong ends the program with a line. */
#pragma once
#include <openssl/evp.h>
#include "mail/sign-key.h"

#define AUTHSITE_BODY 10000 /* bytes */

struct authsite {
	EVP_PKEY *openssl; /* the RSA key, for what is done without us */
	struct mr_sign_key *ours, *ed25519;
	struct mr_dns_view *view; /* knows the keys; questions are never open */
	struct mr_buf plain, with_results, signed_, sealed;
};
extern struct authsite authsite;

void authsite_init(void);
void authsite_done(void);
void authsite_fail(const char *what) __attribute__((noreturn));
/* One operation each. */
void authsite_sign(void);
void authsite_sign_ed25519(void);
void authsite_seal(void);
void authsite_verify(void);
void authsite_verify_chain(void);

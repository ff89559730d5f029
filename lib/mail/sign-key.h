/* sign-key: a private key ready to sign with. Reading one costs more than a signature, so it is read once and shared: any number of threads
 * may sign with it at once. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

struct mr_sign_key;

/* PKCS #8 or traditional PEM, not encrypted: RSA of 1024 bits or more, or Ed25519. One reference. -EINVAL with the reason. */
int mr_sign_key_new(struct mr_slice pem, struct mr_sign_key **out, struct mr_diag *diag);
struct mr_sign_key *mr_sign_key_ref(struct mr_sign_key *k);
void mr_sign_key_unref(struct mr_sign_key *k); /* the last one wipes it; NULL is fine */
/* a= of RFC 6376 and RFC 8463: "rsa-sha256" or "ed25519-sha256". */
const char *mr_sign_key_algorithm(const struct mr_sign_key *k);
/* Adds the signature of `text` in base64. -EIO when the library cannot, -ENOBUFS. */
int mr_sign_key_sign(const struct mr_sign_key *k, struct mr_slice text, struct mr_buf *out);

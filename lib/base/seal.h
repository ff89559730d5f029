/* seal: a secret encrypted for the database, AES-256-GCM, bound to a purpose text (AAD) such as "dkim:example.org:s1".
 * Form: "v1:KEYID:BASE64(nonce12 || ciphertext || tag16)". */
#pragma once
#include <stdint.h>
#include "base/buf.h"

#define MR_SEAL_KEY_LEN  32
#define MR_SEAL_KEYS_MAX 16
struct mr_seal_key {
	char id[33]; /* [a-z0-9-]+ */
	uint8_t key[MR_SEAL_KEY_LEN];
};
struct mr_keyring {
	struct mr_seal_key keys[MR_SEAL_KEYS_MAX]; /* the first one seals, all open */
	size_t n;
};

/* Text of a key ring file: lines "ID BASE64KEY", # comments. On error -EINVAL and *line tells where (1-based; a ring
 * without keys: its last line). */
int mr_keyring_parse(struct mr_slice text, struct mr_keyring *out, unsigned *line);
void mr_keyring_wipe(struct mr_keyring *ring);
/* -ENOKEY: the ring is empty; -EINVAL: no purpose, or more than 1 MiB; -ENOBUFS adds nothing. */
int mr_seal(const struct mr_keyring *ring, struct mr_slice purpose, struct mr_slice plain, struct mr_buf *out);
/* 0; -EINVAL not that form; -ENOKEY key id not in the ring; -EBADMSG changed, or another purpose. */
int mr_unseal(const struct mr_keyring *ring, struct mr_slice purpose, struct mr_slice sealed, struct mr_buf *plain);

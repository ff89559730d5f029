/* hash: see hash.h */

/* system */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

/* libraries */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#define DIGEST_BYTES 8

static uint64_t process_seed;

/* Before main(), so that threads need no lock; forked scanners share it. */
__attribute__((constructor)) static void draw_seed(void)
{
	if (mr_random(&process_seed, sizeof(process_seed)) < 0) {
		fputs("mailreeve: the kernel gives no random bytes\n", stderr);
		abort();
	}
}

uint64_t mr_hash(const void *p, size_t n)
{
	return XXH3_64bits_withSeed(n ? p : "", n, process_seed);
}

uint64_t mr_hash_stable(struct mr_slice in, uint64_t seed)
{
	return XXH3_64bits_withSeed(in.n ? in.p : "", in.n, seed);
}

int mr_sha256(struct mr_slice in, uint8_t out[MR_SHA256_LEN])
{
	return EVP_Digest(in.n ? in.p : "", in.n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int mr_sha1(struct mr_slice in, uint8_t out[MR_SHA1_LEN])
{
	return EVP_Digest(in.n ? in.p : "", in.n, out, NULL, EVP_sha1(), NULL) == 1 ? 0 : -EIO;
}

int mr_hmac_sha1(struct mr_slice key, struct mr_slice in, uint8_t out[MR_SHA1_LEN])
{
	unsigned len = MR_SHA1_LEN;

	if (key.n > INT32_MAX)
		return -EINVAL;
	return HMAC(EVP_sha1(), key.n ? key.p : "", (int)key.n, (const unsigned char *)(in.n ? in.p : ""), in.n, out, &len) ? 0 : -EIO;
}

struct mr_slice mr_digest(struct mr_slice in, struct mr_arena *arena)
{
	struct mr_buf hex = MR_BUF(DIGEST_BYTES * 2 + 1);
	uint8_t sha[MR_SHA256_LEN] = { 0 };
	struct mr_slice out;

	mr_sha256(in, sha);
	mr_hex_add(&hex, (struct mr_slice){ (const char *)sha, DIGEST_BYTES });
	out = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&hex)));
	mr_buf_done(&hex);
	return out;
}

int mr_random(void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

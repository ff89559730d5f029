/* hash: seeded for hash tables (safe against chosen keys), HMAC and SHA for the rest. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/slice.h"

/* XXH3 with a seed drawn at start of the process. Use with uthash: #define HASH_FUNCTION MR_UTHASH before including uthash.h. */
uint64_t mr_hash(const void *p, size_t n);
#define MR_UTHASH(keyptr, keylen, hashv) ((hashv) = (unsigned)mr_hash((keyptr), (keylen)))
/* The same with the asker's seed: for what is kept, or shared with other processes. */
uint64_t mr_hash_stable(struct mr_slice in, uint64_t seed);

#define MR_SHA1_LEN   20
#define MR_SHA256_LEN 32
int mr_sha256(struct mr_slice in, uint8_t out[MR_SHA256_LEN]);
int mr_sha1(struct mr_slice in, uint8_t out[MR_SHA1_LEN]); /* names things, protects nothing */
int mr_hmac_sha1(struct mr_slice key, struct mr_slice in, uint8_t out[MR_SHA1_LEN]);
/* 16 hex digits of the SHA-256: a name for what is too long, or too private, to be one; two things do not meet in it by accident. */
struct mr_slice mr_digest(struct mr_slice in, struct mr_arena *arena);
int mr_random(void *out, size_t n); /* from the kernel; 0 or -errno */

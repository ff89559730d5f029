/* Password hashes: new ones by yescrypt, the ones of other systems checked for their form. */
#include "store/write.h"

/* system */
#include <crypt.h>
#include <ctype.h>
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"

#define PLAIN_MAX 255 /* bytes; yescrypt itself takes 511 */

int mr_password_hash(const char *plain, struct mr_buf *out, struct mr_diag *diag)
{
	mr_autofree struct crypt_data *data = mr_alloc(sizeof *data); /* 32 KiB: not on the stack */
	mr_autofree char *salt = NULL;
	const char *hash;
	int r;

	if (!*plain)
		return mr_diag_set(diag, -EINVAL, "the password is empty");
	if (strlen(plain) > PLAIN_MAX)
		return mr_diag_set(diag, -EINVAL, "the password is longer than %d bytes", PLAIN_MAX);
	for (const char *p = plain; *p; p++)
		if (iscntrl((unsigned char)*p))
			return mr_diag_set(diag, -EINVAL, "the password contains a control character");
	if (!mr_utf8_valid(mr_slice_of(plain)))
		return mr_diag_set(diag, -EINVAL, "the password is not UTF-8 text");
	salt = crypt_gensalt_ra("$y$", 0, NULL, 0);
	hash = salt ? crypt_r(plain, salt, data) : NULL;
	if (!hash || *hash == '*') {
		r = mr_diag_set(diag, -EIO, "the password could not be hashed: %m");
	} else {
		r = mr_buf_printf(out, "{CRYPT}%s", hash);
	}
	mr_wipe(data, sizeof *data);
	return r;
}

/* Length bounds are of the whole hash without its scheme. */
static const struct scheme {
	const char *name, *prefix;
	size_t min, max;
	bool crypt; /* libxcrypt knows it */
} schemes[] = {
	{ "{BLF-CRYPT}", "$2a$", 60, 60, true },    { "{BLF-CRYPT}", "$2b$", 60, 60, true },
	{ "{BLF-CRYPT}", "$2y$", 60, 60, true },    { "{SHA256-CRYPT}", "$5$", 47, 80, true },
	{ "{SHA512-CRYPT}", "$6$", 90, 123, true }, { "{ARGON2ID}", "$argon2id$v=19$m=", 60, 200, false },
	{ "{CRYPT}", "$y$", 50, 120, true },
};

static bool hash_bytes(const char *hash)
{
	return hash[strspn(hash, "./0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$=,+")] == '\0';
}

static bool fits(const struct scheme *s, const char *hash)
{
	size_t n = strlen(hash);
	int salt = s->crypt ? crypt_checksalt(hash) : CRYPT_SALT_OK;

	return mr_slice_starts(mr_slice_of(hash), mr_slice_of(s->prefix)) && n >= s->min && n <= s->max && hash_bytes(hash) &&
	       salt != CRYPT_SALT_INVALID && salt != CRYPT_SALT_METHOD_DISABLED;
}

int mr_password_hash_check(const char *hash, struct mr_diag *diag)
{
	struct mr_slice text = mr_slice_of(hash), name;
	bool known = false;

	for (size_t i = 0; i < MR_COUNT(schemes); i++) {
		name = mr_slice_of(schemes[i].name);
		if (!mr_slice_istarts(text, name))
			continue;
		known = true;
		if (fits(&schemes[i], hash + name.n))
			return 0;
	}
	if (known)
		return mr_diag_set(diag, -EINVAL, "the hash does not have the form of its scheme");
	return mr_diag_set(diag, -EINVAL,
			   "the hash must begin with {BLF-CRYPT}, {SHA256-CRYPT}, {SHA512-CRYPT}, {ARGON2ID} or {CRYPT} (yescrypt)");
}

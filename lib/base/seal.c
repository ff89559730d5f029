/* seal: see seal.h */

/* system */
#include <errno.h>
#include <string.h>

/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/seal.h"
#include "base/text.h"

#define NONCE_LEN 12
#define TAG_LEN   16
#define PLAIN_MAX (1u << 20) /* bytes; a private key has a few thousand */
#define VERSION   "v1:"

static void cipher_free(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}
#define auto_cipher __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *

static bool id_valid(struct mr_slice id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return id.n > 0 && id.n < sizeof(((struct mr_seal_key *)0)->id);
}

static const struct mr_seal_key *find_key(const struct mr_keyring *ring, struct mr_slice id)
{
	for (size_t i = 0; i < ring->n; i++)
		if (mr_slice_eq(mr_slice_of(ring->keys[i].id), id))
			return &ring->keys[i];
	return NULL;
}

/* One line without comment, "ID BASE64KEY". */
static int parse_key(struct mr_slice line, struct mr_keyring *ring)
{
	ptrdiff_t space = mr_slice_chr(line, ' ');
	struct mr_slice id = { line.p, space < 0 ? 0 : (size_t)space };
	struct mr_seal_key *key = &ring->keys[ring->n];

	if (!id_valid(id) || ring->n >= MR_SEAL_KEYS_MAX || find_key(ring, id))
		return -EINVAL;
	if (mr_base64_decode(mr_slice_from(line, id.n), key->key, sizeof(key->key)) != MR_SEAL_KEY_LEN)
		return -EINVAL;
	memcpy(key->id, id.p, id.n);
	ring->n++;
	return 0;
}

int mr_keyring_parse(struct mr_slice text, struct mr_keyring *out, unsigned *line)
{
	struct mr_keyring ring = { 0 };
	struct mr_slice rest = text, part;
	unsigned number = 0;
	int err = 0;

	while (err == 0 && mr_slice_next(&rest, '\n', &part)) {
		part = mr_slice_trim(part);
		number++;
		if (part.n > 0 && part.p[0] != '#')
			err = parse_key(part, &ring);
	}
	if (err == 0 && ring.n == 0)
		err = -EINVAL;
	if (err == 0)
		*out = ring;
	else
		*line = number;
	mr_keyring_wipe(&ring);
	return err;
}

void mr_keyring_wipe(struct mr_keyring *ring)
{
	mr_wipe(ring, sizeof(*ring));
}

/* nonce → nonce || ciphertext || tag in `box` (plain.n + NONCE_LEN + TAG_LEN bytes). */
static int encrypt(const struct mr_seal_key *key, struct mr_slice purpose, struct mr_slice plain, uint8_t *box)
{
	auto_cipher ctx = EVP_CIPHER_CTX_new();
	uint8_t *body = box + NONCE_LEN;
	int len;

	if (!ctx || EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->key, box) != 1)
		return -EIO;
	if (EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)purpose.p, (int)purpose.n) != 1)
		return -EIO;
	if (plain.n && EVP_EncryptUpdate(ctx, body, &len, (const uint8_t *)plain.p, (int)plain.n) != 1)
		return -EIO;
	if (EVP_EncryptFinal_ex(ctx, body + plain.n, &len) != 1)
		return -EIO;
	return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, body + plain.n) == 1 ? 0 : -EIO;
}

int mr_seal(const struct mr_keyring *ring, struct mr_slice purpose, struct mr_slice plain, struct mr_buf *out)
{
	size_t box_len = plain.n + NONCE_LEN + TAG_LEN, start = out->n;
	mr_autofree uint8_t *box = NULL;
	int err;

	if (ring->n == 0)
		return -ENOKEY;
	if (plain.n > PLAIN_MAX || purpose.n == 0 || purpose.n > PLAIN_MAX)
		return -EINVAL;
	box = mr_alloc(box_len);
	err = mr_random(box, NONCE_LEN);
	if (err == 0)
		err = encrypt(&ring->keys[0], purpose, plain, box);
	if (err < 0)
		return err;
	err = mr_buf_printf(out, VERSION "%s:", ring->keys[0].id);
	if (err == 0)
		err = mr_base64_add(out, (struct mr_slice){ (const char *)box, box_len });
	if (err < 0)
		mr_buf_truncate(out, start);
	return err;
}

/* The opposite of encrypt(): box of n bytes → `plain` (n - NONCE_LEN - TAG_LEN bytes). */
static int decrypt(const struct mr_seal_key *key, struct mr_slice purpose, uint8_t *box, size_t n, uint8_t *plain)
{
	auto_cipher ctx = EVP_CIPHER_CTX_new();
	size_t body = n - NONCE_LEN - TAG_LEN;
	int len;

	if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->key, box) != 1)
		return -EIO;
	if (EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)purpose.p, (int)purpose.n) != 1)
		return -EIO;
	if (body && EVP_DecryptUpdate(ctx, plain, &len, box + NONCE_LEN, (int)body) != 1)
		return -EIO;
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, box + NONCE_LEN + body) != 1)
		return -EIO;
	return EVP_DecryptFinal_ex(ctx, plain + body, &len) == 1 ? 0 : -EBADMSG;
}

int mr_unseal(const struct mr_keyring *ring, struct mr_slice purpose, struct mr_slice sealed, struct mr_buf *plain)
{
	struct mr_slice rest = mr_slice_from(sealed, sizeof(VERSION) - 1), id;
	const struct mr_seal_key *key;
	mr_autofree uint8_t *box = NULL;
	mr_autofree uint8_t *clear = NULL;
	ssize_t n;
	int err;

	if (!mr_slice_starts(sealed, MR_LIT(VERSION)) || !mr_slice_next(&rest, ':', &id) || !rest.p || !id_valid(id))
		return -EINVAL;
	if (rest.n > 2 * PLAIN_MAX || purpose.n == 0 || purpose.n > PLAIN_MAX)
		return -EINVAL;
	box = mr_alloc(rest.n);
	n = mr_base64_decode(rest, box, rest.n);
	if (n < NONCE_LEN + TAG_LEN)
		return -EINVAL;
	key = find_key(ring, id);
	if (!key)
		return -ENOKEY;
	clear = mr_alloc((size_t)n);
	err = decrypt(key, purpose, box, (size_t)n, clear);
	if (err == 0)
		err = mr_buf_add(plain, (struct mr_slice){ (const char *)clear, (size_t)n - NONCE_LEN - TAG_LEN });
	mr_wipe(clear, (size_t)n);
	return err;
}

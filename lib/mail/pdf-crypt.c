/* pdf-crypt: files that are encrypted with the empty password, which readers open without a question (ISO 32000-1 section 7.6, ISO 32000-2
 * section 7.6.4): by RC4 of 40 to 128 bits, AES of 128 and of 256; see pdf-internal.h. */
/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/mem.h"
#include "mail/pdf-internal.h"

#define TRIES_MAX  16  /* places that are looked at for each thing that is looked for */
#define STRING_MAX 128 /* bytes of one of the dictionary; those that count are shorter */
#define DEPTH_MAX  3   /* of the dictionaries that say how */
#define ROUNDS_MIN 64  /* of the hash of AES-256 */
#define REPEATED   64  /* times that its input is */
#define BLOCK      16
#define CLEAR_LOOK 64 /* bytes by which something is seen not to be encrypted */
#define CLEAR_MIN  8

static const unsigned char padding[32] = { 0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
					   0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a };

struct string {
	unsigned char v[STRING_MAX];
	size_t n;
};
/* What the dictionary says. */
struct dict {
	bool standard, metadata; /* metadata: they are encrypted, too */
	unsigned version, revision, bits;
	uint32_t permissions;
	enum { RC4, AES, NO_METHOD } method;
	struct string owner, user, user_key, id;
};

static struct mr_slice slice(const void *p, size_t n)
{
	return (struct mr_slice){ p, n };
}

static struct mr_slice of_string(const struct string *s, size_t from, size_t n)
{
	return from + n <= s->n ? slice(s->v + from, n) : (struct mr_slice){ 0 };
}

/* -- ciphers -- */

static bool digest(const EVP_MD *md, struct mr_slice in, unsigned char *out)
{
	return EVP_Digest(in.p, in.n, out, NULL, md, NULL) == 1;
}

/* In OpenSSL it is a module of its own, which a sandbox cannot load. */
static void rc4(struct mr_slice key, const char *in, size_t n, char *out)
{
	unsigned char s[256], t, i = 0, j = 0;

	for (int k = 0; k < 256; k++)
		s[k] = (unsigned char)k;
	for (int k = 0; k < 256; k++) {
		j = (unsigned char)(j + s[k] + (unsigned char)key.p[(size_t)k % key.n]);
		t = s[k];
		s[k] = s[j];
		s[j] = t;
	}
	for (size_t k = j = 0; k < n; k++) {
		j = (unsigned char)(j + s[++i]);
		t = s[i];
		s[i] = s[j];
		s[j] = t;
		out[k] = (char)((unsigned char)in[k] ^ s[(unsigned char)(s[i] + s[j])]);
	}
}

/* CBC of whole blocks, without padding. */
static bool aes(bool encrypt, struct mr_slice key, const void *iv, struct mr_slice in, char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *type = key.n == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	int n = 0;
	bool done = c && EVP_CipherInit_ex(c, type, NULL, (const unsigned char *)key.p, iv, encrypt) == 1 &&
		    EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
		    EVP_CipherUpdate(c, (unsigned char *)out, &n, (const unsigned char *)in.p, (int)in.n) == 1;

	EVP_CIPHER_CTX_free(c);
	return done;
}

/* Behind its IV, and without the padding that tells its own length. */
static bool undo_aes(struct mr_slice key, struct mr_slice in, struct mr_buf *out)
{
	size_t n = in.n > BLOCK ? (in.n - BLOCK) / BLOCK * BLOCK : 0;
	char *to = n ? mr_buf_reserve(out, n) : NULL;
	size_t last;

	if (!to || !aes(false, key, in.p, slice(in.p + BLOCK, n), to))
		return n == 0;
	last = (unsigned char)to[n - 1];
	mr_buf_filled(out, last && last <= BLOCK ? n - last : n);
	return true;
}

/* -- the key -- */

/* Versions 1 to 4. */
static bool old_key(const struct dict *d, struct pdf_crypt *c)
{
	unsigned char sum[EVP_MAX_MD_SIZE], p[4];
	struct mr_buf in = MR_BUF(1000);
	bool done;

	for (size_t i = 0; i < 4; i++)
		p[i] = (unsigned char)(d->permissions >> 8 * i);
	mr_buf_add(&in, slice(padding, sizeof(padding)));
	mr_buf_add(&in, of_string(&d->owner, 0, 32));
	mr_buf_add(&in, slice(p, sizeof(p)));
	mr_buf_add(&in, slice(d->id.v, d->id.n));
	if (d->revision >= 4 && !d->metadata)
		mr_buf_add(&in, MR_LIT("\xff\xff\xff\xff"));
	done = digest(EVP_md5(), mr_buf_slice(&in), sum);
	c->n = d->revision < 3 ? 5 : d->bits / 8;
	for (int i = 0; done && d->revision >= 3 && i < 50; i++)
		done = digest(EVP_md5(), slice(sum, c->n), sum);
	memcpy(c->key, sum, c->n);
	mr_buf_done(&in);
	return done;
}

/* Does the file say that this is the key of the empty password? */
static bool old_key_fits(const struct dict *d, const struct pdf_crypt *c)
{
	unsigned char sum[EVP_MAX_MD_SIZE], key[sizeof(c->key)];
	struct mr_buf in = MR_BUF(1000);
	char said[32];

	mr_buf_add(&in, slice(padding, sizeof(padding)));
	if (d->revision < 3) {
		rc4(slice(c->key, c->n), in.p, sizeof(padding), said);
		mr_buf_done(&in);
		return mr_slice_eq(of_string(&d->user, 0, 32), slice(said, 32));
	}
	mr_buf_add(&in, slice(d->id.v, d->id.n));
	digest(EVP_md5(), mr_buf_slice(&in), sum);
	mr_buf_done(&in);
	for (unsigned char round = 0; round < 20; round++) {
		for (size_t i = 0; i < c->n; i++)
			key[i] = c->key[i] ^ round;
		rc4(slice(key, c->n), (char *)sum, 16, (char *)sum);
	}
	return mr_slice_eq(of_string(&d->user, 0, 16), slice(sum, 16));
}

/* ISO 32000-2 algorithm 2.B, of the empty password; before revision 6 a SHA-256. */
static bool hash(unsigned revision, struct mr_slice salt, unsigned char out[32])
{
	const EVP_MD *const sums[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	unsigned char k[EVP_MAX_MD_SIZE];
	char in[REPEATED * EVP_MAX_MD_SIZE], e[sizeof(in)];
	size_t n = 32, all = 0;
	unsigned rest;
	bool done = digest(EVP_sha256(), salt, k);

	for (int i = 0; done && revision >= 6 && (i < ROUNDS_MIN || (unsigned char)e[all - 1] > i - 32); i++) {
		all = REPEATED * n;
		for (size_t at = 0; at < all; at += n)
			memcpy(in + at, k, n);
		done = aes(true, slice(k, 16), k + 16, slice(in, all), e);
		rest = 0;
		for (size_t at = 0; done && at < BLOCK; at++)
			rest += (unsigned char)e[at];
		done = done && digest(sums[rest % 3], slice(e, all), k);
		n = 32 + 16 * (rest % 3);
	}
	memcpy(out, k, 32);
	return done;
}

static bool new_key(const struct dict *d, struct pdf_crypt *c)
{
	static const unsigned char zero[BLOCK];
	struct mr_slice check = of_string(&d->user, 32, 8), salt = of_string(&d->user, 40, 8), key = of_string(&d->user_key, 0, 32);
	unsigned char sum[32];

	c->n = 32;
	return check.n && salt.n && key.n && hash(d->revision, check, sum) && mr_slice_eq(of_string(&d->user, 0, 32), slice(sum, 32)) &&
	       hash(d->revision, salt, sum) && aes(false, slice(sum, 32), zero, key, (char *)c->key);
}

/* -- what the file says -- */

static void take_number(struct dict *d, struct mr_slice key, double number)
{
	if (mr_slice_eq(key, MR_LIT("V")))
		d->version = (unsigned)pdf_whole(number);
	else if (mr_slice_eq(key, MR_LIT("R")))
		d->revision = (unsigned)pdf_whole(number);
	else if (mr_slice_eq(key, MR_LIT("Length")) && pdf_whole(number) >= 40 && pdf_whole(number) <= 128)
		d->bits = (unsigned)pdf_whole(number) / 8 * 8;
	else if (mr_slice_eq(key, MR_LIT("Length")) && pdf_whole(number) >= 5 && pdf_whole(number) <= 16) /* in bytes, which is wrong */
		d->bits = (unsigned)pdf_whole(number) * 8;
	else if (mr_slice_eq(key, MR_LIT("P")))
		d->permissions = (uint32_t)(int64_t)number;
}

static void take_string(struct dict *d, struct mr_slice key, struct mr_slice s)
{
	struct string *to = mr_slice_eq(key, MR_LIT("O"))    ? &d->owner
			    : mr_slice_eq(key, MR_LIT("U"))  ? &d->user
			    : mr_slice_eq(key, MR_LIT("UE")) ? &d->user_key
							     : NULL;

	if (!to || s.n > STRING_MAX)
		return;
	memcpy(to->v, s.p, s.n);
	to->n = s.n;
}

static void take_name(struct dict *d, struct mr_slice key, struct mr_slice name)
{
	d->standard |= mr_slice_eq(key, MR_LIT("Filter")) && mr_slice_eq(name, MR_LIT("Standard"));
	if (mr_slice_eq(key, MR_LIT("CFM")))
		d->method = mr_slice_eq(name, MR_LIT("V2")) ? RC4 : mr_slice_starts(name, MR_LIT("AESV")) ? AES : NO_METHOD;
}

/* l is behind "<<". */
static void read_dict(struct pdf_lexer *l, struct dict *d)
{
	char name[STRING_MAX] = "";
	struct mr_slice key = { name, 0 };
	size_t depth = 1;
	bool value = false; /* comes now */
	enum pdf_token t;

	while (depth && depth <= DEPTH_MAX && (t = pdf_next(l)) != PDF_END) {
		struct mr_slice s = mr_buf_slice(l->text);

		depth += t == PDF_DICT;
		depth -= t == PDF_DICT_END;
		if (t == PDF_NAME && !value) {
			key.n = s.n < sizeof(name) ? s.n : sizeof(name);
			if (key.n)
				memcpy(name, s.p, key.n);
			value = true;
			continue;
		}
		value = false;
		if (t == PDF_NAME)
			take_name(d, key, s);
		else if (t == PDF_NUMBER && depth == 1)
			take_number(d, key, l->number);
		else if ((t == PDF_STRING || t == PDF_HEX) && depth == 1)
			take_string(d, key, s);
		else if (t == PDF_WORD && mr_slice_eq(key, MR_LIT("EncryptMetadata")))
			d->metadata = !mr_slice_eq(l->word, MR_LIT("false"));
	}
}

/* The object of that number: l is behind its "<<". */
static bool find_object(const struct pdf_reading *r, unsigned long number, unsigned long generation, struct pdf_lexer *l)
{
	const char *at = r->all.p, *end = r->all.p + r->all.n;
	struct mr_buf mark = MR_BUF(100);
	bool found = false;

	mr_buf_printf(&mark, "%lu %lu obj", number, generation);
	for (int i = 0; i < TRIES_MAX && !found && (at = memmem(at, (size_t)(end - at), mark.p, mark.n)) != NULL; i++) {
		at += mark.n;
		l->at = at;
		found = at - mark.n > r->all.p && pdf_is_space(at[-(ptrdiff_t)mark.n - 1]) && pdf_next(l) == PDF_DICT;
	}
	mr_buf_done(&mark);
	return found;
}

/* The next one that the file names; *at is behind that. False: there is none. */
static bool next_dict(struct pdf_reading *r, const char **at, struct dict *d, unsigned long *number)
{
	static const char mark[] = "/Encrypt";
	const char *end = r->all.p + r->all.n;
	struct pdf_lexer l = { .end = end, .text = &r->text };
	enum pdf_token t;

	*d = (struct dict){ .metadata = true, .bits = 40, .method = NO_METHOD };
	*number = 0;
	*at = memmem(*at, (size_t)(end - *at), mark, sizeof(mark) - 1);
	if (!*at)
		return false;
	l.at = *at += sizeof(mark) - 1;
	t = pdf_next(&l);
	*number = t == PDF_NUMBER ? pdf_whole(l.number) : 0;
	if (t == PDF_DICT || (t == PDF_NUMBER && pdf_next(&l) == PDF_NUMBER && find_object(r, *number, pdf_whole(l.number), &l)))
		read_dict(&l, d);
	return true;
}

/* The first of the two strings that stand for the file. */
static void find_id(struct pdf_reading *r, struct string *id)
{
	const char *at = r->all.p, *end = r->all.p + r->all.n;

	for (int i = 0; i < TRIES_MAX && (at = memmem(at, (size_t)(end - at), "/ID", 3)) != NULL; i++) {
		struct pdf_lexer l = { .at = at += 3, .end = end, .text = &r->text };
		enum pdf_token t = pdf_next(&l) == PDF_ARRAY ? pdf_next(&l) : PDF_END;

		if ((t != PDF_STRING && t != PDF_HEX) || !r->text.n || r->text.n > STRING_MAX)
			continue;
		memcpy(id->v, r->text.p, r->text.n);
		id->n = r->text.n;
		return;
	}
}

/* Is it one that the empty password opens? */
static bool open_dict(const struct dict *d, struct pdf_crypt *c)
{
	c->aes = d->version >= 4 && d->method == AES;
	if (!d->standard || (d->version >= 4 && d->method == NO_METHOD))
		return false;
	if (d->version == 5)
		return c->aes && new_key(d, c);
	return d->version >= 1 && d->version <= 4 && old_key(d, c) && old_key_fits(d, c);
}

/* A file may name others, which it does not use: the last one that opens counts. */
void pdf_crypt_begin(struct pdf_reading *r)
{
	const char *at = r->all.p;
	struct string id = { 0 };
	unsigned long number;
	struct dict d;

	for (int i = 0; i < TRIES_MAX && next_dict(r, &at, &d, &number); i++) {
		struct pdf_crypt c = { .dict = number };

		if (!id.n)
			find_id(r, &id);
		d.id = id;
		if (d.version == 4)
			d.bits = 128;
		c.on = open_dict(&d, &c);
		if (c.on)
			r->crypt = c;
	}
}

/* Text, which no cipher makes of anything: some writers leave what they add as it is. */
static bool is_clear(struct mr_slice s)
{
	size_t n = s.n < CLEAR_LOOK ? s.n : CLEAR_LOOK, i = 0;

	while (i < n && ((s.p[i] >= ' ' && s.p[i] <= '~') || pdf_is_space(s.p[i])))
		i++;
	return i == n && n >= CLEAR_MIN;
}

bool pdf_decrypt(const struct pdf_crypt *c, unsigned long number, unsigned long generation, struct mr_slice in, struct mr_buf *out)
{
	unsigned char of[sizeof(c->key) + 9], key[EVP_MAX_MD_SIZE];
	size_t n = c->n;
	char *to;

	if (is_clear(in))
		return mr_buf_add(out, in) == 0;
	if (n == 32)
		return undo_aes(slice(c->key, n), in, out);
	memcpy(of, c->key, n);
	for (int i = 0; i < 3; i++)
		of[n++] = (unsigned char)(number >> 8 * i);
	for (int i = 0; i < 2; i++)
		of[n++] = (unsigned char)(generation >> 8 * i);
	if (c->aes) {
		memcpy(of + n, "sAlT", 4);
		n += 4;
	}
	if (!digest(EVP_md5(), slice(of, n), key))
		return false;
	n = c->n + 5 < 16 ? c->n + 5 : 16;
	if (c->aes)
		return undo_aes(slice(key, n), in, out);
	to = in.n ? mr_buf_reserve(out, in.n) : NULL;
	if (to) {
		rc4(slice(key, n), in.p, in.n, to);
		mr_buf_filled(out, in.n);
	}
	return to || !in.n;
}

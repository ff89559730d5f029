/* dkim-sign: RSA signatures by libopendkim: relaxed/relaxed, SHA-256, the fields of RFC 6376 section 5.4.1 that stand in the message, and
 * the ones that must not be added later once more than they occur. */
/* system */
#include <errno.h>
#include <pthread.h>

/* ours */
#include "base/mem.h"
#include "mail/dkim-internal.h"

#define VALUE_MAX 16384 /* bytes of a signature's value */

static const char *const signed_fields[] = {
	"from",
	"sender",
	"reply-to",
	"subject",
	"date",
	"to",
	"cc",
	"message-id",
	"in-reply-to",
	"references",
	"mime-version",
	"content-type",
	"content-transfer-encoding",
	"content-id",
	"content-description",
	"list-unsubscribe",
	"list-unsubscribe-post",
	NULL,
};
static const char *const oversigned_fields[] = { "from", "subject", "date", "to", "reply-to", "content-type", "mime-version", NULL };

static DKIM_LIB *library; /* set once */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t time_lock = PTHREAD_MUTEX_INITIALIZER; /* the time of a signature is an option of the whole library */

static void set_up(void)
{
	const char *const *fields = signed_fields, *const *oversigned = oversigned_fields;
	DKIM_LIB *lib;

	mr_dkim_prepare();
	lib = dkim_init(NULL, NULL);
	if (!lib)
		return;
	/* these two options take the array itself and say the size of a pointer */
	if (dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, (void *)fields, sizeof(fields)) == DKIM_STAT_OK &&
	    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, (void *)oversigned, sizeof(oversigned)) == DKIM_STAT_OK)
		library = lib;
	else
		dkim_close(lib);
}

/* The end of the header is where the library takes the time. */
static DKIM_STAT end_header(DKIM *d, int64_t now)
{
	uint64_t fixed = (uint64_t)now;
	DKIM_STAT status;

	pthread_mutex_lock(&time_lock);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &fixed, sizeof(fixed));
	status = dkim_eoh(d);
	pthread_mutex_unlock(&time_lock);
	return status;
}

/* The library folds with CRLF. */
static int add_value(DKIM *d, struct mr_buf *out)
{
	u_char *value = NULL;
	size_t len = 0;
	int r = 0;

	if (dkim_getsighdr_d(d, strlen(DKIM_SIGNHEADER) + 2, &value, &len) != DKIM_STAT_OK || len > VALUE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len && r == 0; i++) {
		if (value[i] != '\r')
			r = mr_buf_putc(out, (char)value[i]);
	}
	return r;
}

static int sign(DKIM *d, const struct mr_message *m, int64_t now, struct mr_buf *out, struct mr_diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < m->n_headers && r == 0; i++)
		r = mr_dkim_feed_header(d, &m->headers[i]);
	if (r < 0)
		return mr_diag_set(diag, r, "no memory for a signature");
	if (end_header(d, now) != DKIM_STAT_OK)
		return mr_diag_set(diag, -EINVAL, "cannot sign: %s", dkim_geterror(d) ? dkim_geterror(d) : "bad header");
	r = mr_dkim_feed_body(d, m->body);
	if (r < 0)
		return mr_diag_set(diag, r, "no memory for a signature");
	if (dkim_eom(d, NULL) != DKIM_STAT_OK)
		return mr_diag_set(diag, -EINVAL, "cannot sign: %s", dkim_geterror(d) ? dkim_geterror(d) : "bad key");
	r = add_value(d, out);
	return r < 0 ? mr_diag_set(diag, r, "signature does not fit") : 0;
}

int mr_dkim_sign_rsa(const struct mr_message *m, const struct mr_dkim_sign *s, struct mr_buf *out, struct mr_diag *diag)
{
	mr_autofree char *key = mr_slice_dup(s->key_pem), *selector = mr_slice_dup(s->selector), *domain = mr_slice_dup(s->domain);
	DKIM_STAT status = DKIM_STAT_INTERNAL;
	DKIM *d = NULL;
	int r;

	pthread_once(&once, set_up);
	if (m->cut)
		r = mr_diag_set(diag, -EINVAL, "header is too long to be signed");
	else if (!library)
		r = mr_diag_set(diag, -ENOMEM, "libopendkim could not be set up");
	else
		r = 0;
	if (r == 0)
		d = dkim_sign(library, (const u_char *)"", NULL, (u_char *)key, (const u_char *)selector, (const u_char *)domain,
			      DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &status);
	if (d)
		r = sign(d, m, s->now, out, diag);
	else if (r == 0)
		r = mr_diag_set(diag, -EINVAL, "cannot sign: %s", dkim_getresultstr(status));
	if (d)
		dkim_free(d);
	mr_wipe(key, s->key_pem.n);
	return r;
}

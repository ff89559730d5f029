/* sign: see sign.h. */

/* system */
#include <errno.h>
#include <pthread.h>

/* ours */
#include "base/mem.h"
#include "base/seal.h"
#include "mail/dkim.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "sign.h"

#define PEM_MAX 16384

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER; /* guards `ring` */
static struct mr_keyring ring;

int mr_sign_load(const char *keyring_file, struct mr_diag *diag)
{
	struct mr_keyring fresh = { 0 };
	int r = keyring_file[0] ? mr_keyring_load(keyring_file, &fresh, diag) : 0;

	if (r == 0) {
		pthread_rwlock_wrlock(&lock);
		mr_keyring_wipe(&ring);
		ring = fresh;
		pthread_rwlock_unlock(&lock);
	}
	mr_keyring_wipe(&fresh);
	return r;
}

void mr_sign_wipe(void)
{
	pthread_rwlock_wrlock(&lock);
	mr_keyring_wipe(&ring);
	pthread_rwlock_unlock(&lock);
}

static int unseal(const struct mr_job *j, struct mr_buf *pem, struct mr_diag *diag)
{
	struct mr_buf purpose = MR_BUF(1024);
	int r;

	mr_buf_printf(&purpose, "dkim:%.*s:%.*s", (int)j->sign_domain.n, j->sign_domain.p, (int)j->sign_selector.n, j->sign_selector.p);
	pthread_rwlock_rdlock(&lock);
	r = mr_unseal(&ring, mr_buf_slice(&purpose), j->sealed_key, pem);
	pthread_rwlock_unlock(&lock);
	mr_buf_done(&purpose);
	return r < 0 ? mr_diag_set(diag, r, "the key cannot be unsealed: %s", strerror(-r)) : 0;
}

int mr_sign_message(const struct mr_job *j, struct mr_buf *out, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf pem = MR_BUF(PEM_MAX);
	struct mr_message m;
	int r = unseal(j, &pem, diag);

	if (r == 0) {
		struct mr_dkim_sign s = {
			.domain = j->sign_domain, .selector = j->sign_selector, .key_pem = mr_buf_slice(&pem), .now = mr_wall()
		};

		mr_message_parse(j->message, arena, &m);
		r = mr_dkim_sign_rsa(&m, &s, out, diag);
	}
	if (pem.p)
		mr_wipe(pem.p, pem.cap);
	mr_buf_done(&pem);
	return r;
}

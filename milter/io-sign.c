/* io-sign: with which keys a message is signed or sealed, asked of lookup; see io.h. */

/* ours */
#include "io-private.h"
#include "rt/clock.h"

static void sign_answered(struct mr_job *j)
{
	if (!j->side.finished) {
		j->side.open--;
		mr_io_finish_if_complete(j);
	}
	mr_job_unref(j);
}

/* Keys may change between the question which there are and the question for one: then both are asked once more. */
static void on_key(enum mr_dir_status status, struct mr_slice sealed, void *arg)
{
	struct mr_job_key *k = arg;
	struct mr_job *j = k->job;

	j->side.keys_open--;
	if (!j->side.finished) {
		if (status == MR_DIR_OK && mr_job_keep(j, sealed, &k->sealed))
			j->side.keys_missing--;
		else if (status == MR_DIR_NOTFOUND)
			j->side.key_unknown = true;
		if (j->side.keys_missing == 0) {
			j->sign = MR_SIGN_YES;
		} else if (j->side.keys_open == 0 && j->side.key_unknown && !j->side.asked_again) {
			j->side.asked_again = true;
			mr_io_ask_sender(j);
		}
	}
	sign_answered(j);
}

/* Every key in use signs; a seal is made with an RSA key, since who checks it need not know another. Until the last one is here the job's
 * answer stays "away". */
static void ask_keys(struct mr_job *j, const struct mr_dir_sender *a)
{
	size_t n = 0;

	if (!mr_job_keep(j, a->domain, &j->sign_domain))
		return;
	for (size_t i = 0; i < a->n_selectors; i++) {
		if (j->role == MR_ROLE_FORWARD && (n > 0 || !mr_slice_eq(a->selectors[i].algorithm, MR_LIT("rsa"))))
			continue;
		j->keys[n].job = j;
		if (!mr_job_keep(j, a->selectors[i].name, &j->keys[n++].selector))
			return;
	}
	j->n_keys = j->side.keys_missing = n;
	if (n == 0 && j->role == MR_ROLE_FORWARD)
		j->sign = MR_SIGN_NO;
	for (size_t i = 0; i < j->n_keys; i++) {
		j->side.open++;
		j->side.keys_open++;
		mr_job_ref(j);
		mr_directory_dkim_key(j->io->directory, j->sign_domain, j->keys[i].selector, mr_now_ms() + j->settings->directory_timeout,
				      on_key, &j->keys[i]);
	}
}

static void on_sender(const struct mr_dir_sender *a, void *arg)
{
	struct mr_job *j = arg;

	if (!j->side.finished && a->status != MR_DIR_TEMP) {
		if (a->status == MR_DIR_OK && a->hosted && a->sign)
			ask_keys(j, a);
		else
			j->sign = MR_SIGN_NO;
	}
	sign_answered(j);
}

void mr_io_ask_sender(struct mr_job *j)
{
	struct mr_slice address = mr_slice_of(j->role == MR_ROLE_FORWARD ? j->settings->forwarder : j->from);

	j->sign = MR_SIGN_AWAY;
	j->side.open++;
	mr_job_ref(j);
	mr_directory_sender(j->io->directory, address, mr_now_ms() + j->settings->directory_timeout, on_sender, j);
}

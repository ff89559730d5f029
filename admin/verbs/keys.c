/* Key rings, SRS secret, and the key between Dovecot and policyd. */
#include "keys.h"

/* system */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/seal.h"
#include "base/text.h"
#include "rt/file.h"

#define SECRET_BYTES 32
#define NONCE_BYTES  16
#define TEXT_MAX     4096

void keys_files(const struct verbs_conf *conf, struct keys_file out[KEYS_FILES])
{
	out[0] = (struct keys_file){ conf->shared.dkim_keyring_file, "mailreeve-milter", "key ring for DKIM keys" };
	out[1] = (struct keys_file){ conf->shared.srs_secret_file, "mailreeve-lookup", "secret for rewritten senders" };
	out[2] = (struct keys_file){ conf->shared.relay_keyring_file, "mailreeve-lookup", "key ring for passwords at relay hosts" };
	out[3] = (struct keys_file){ conf->shared.login_key_file, "mailreeve-policyd", "key of the log-in protection" };
	out[4] = (struct keys_file){ conf->login_dovecot_file, "root", "the same key for Dovecot" };
}

/* O_EXCL: an existing file is never touched. What is left half-written is removed. */
static int create(const struct keys_file *f, struct mr_slice text, struct mr_diag *diag)
{
	const struct group *group = getgrnam(f->group);
	bool root = geteuid() == 0;
	int fd, r = 0;

	if (root && !group)
		return mr_diag_set(diag, -ENOENT, "%s: there is no group %s to give it to", f->path, f->group);
	fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return mr_diag_set(diag, -errno, "%s: %m", f->path);
	if (write(fd, text.p, text.n) != (ssize_t)text.n || (root && fchown(fd, 0, group->gr_gid) < 0) || fchmod(fd, 0640) < 0 ||
	    fsync(fd) < 0) {
		r = mr_diag_set(diag, -errno, "%s: %m", f->path);
		unlink(f->path);
	}
	close(fd);
	return r;
}

/* Where there is none yet. */
static bool is_wanted(const struct keys_file *f)
{
	bool wanted = *f->path && access(f->path, F_OK) < 0;

	if (!wanted)
		printf("%s: %s\n", f->what, *f->path ? "exists, left as it is" : "no file configured");
	return wanted;
}

static int make_text(const struct keys_file *f, struct mr_buf *text, struct mr_diag *diag)
{
	int r = create(f, mr_buf_slice(text), diag);

	mr_wipe(text->p, text->cap);
	mr_buf_done(text);
	if (r == 0)
		printf("%s: made %s\n", f->what, f->path);
	return r;
}

/* Key rings have lines "ID BASE64", the other secrets are text alone. */
static int make(const struct keys_file *f, const char *prefix, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(TEXT_MAX);
	uint8_t secret[SECRET_BYTES];
	int r;

	if (!is_wanted(f))
		return 0;
	r = mr_random(secret, sizeof(secret));
	if (r < 0)
		return mr_diag_set(diag, r, "no random bytes from the kernel");
	mr_buf_puts(&text, prefix);
	mr_base64_add(&text, (struct mr_slice){ (const char *)secret, sizeof(secret) });
	mr_buf_putc(&text, '\n');
	mr_wipe(secret, sizeof(secret));
	return make_text(f, &text, diag);
}

/* The salt of the password hashes comes of the key: hosts with the same key count the same. */
static int make_for_dovecot(const struct keys_file *f, const char *key_file, struct mr_diag *diag)
{
	struct mr_buf key = MR_BUF(TEXT_MAX), salted = MR_BUF(TEXT_MAX), text = MR_BUF(TEXT_MAX);
	uint8_t nonce[MR_SHA256_LEN] = { 0 };
	int r;

	if (!is_wanted(f))
		return 0;
	r = mr_file_secret(key_file, &key, diag);
	if (r == 0) {
		mr_buf_printf(&salted, "salt of log-ins %s", key.p);
		r = mr_sha256(mr_buf_slice(&salted), nonce);
		mr_buf_printf(&text,
			      "# Made by \"mailreeve setup keys\" of the key in %s.\nauth_policy_server_api_header = %s\n"
			      "auth_policy_hash_nonce = ",
			      key_file, key.p);
		mr_hex_add(&text, (struct mr_slice){ (const char *)nonce, NONCE_BYTES });
		mr_buf_putc(&text, '\n');
	}
	mr_wipe(key.p, key.cap);
	mr_wipe(salted.p, salted.cap);
	mr_buf_done(&key);
	mr_buf_done(&salted);
	return r < 0 ? r : make_text(f, &text, diag);
}

int keys_make(const struct verbs_conf *conf, struct mr_diag *diag)
{
	struct keys_file files[KEYS_FILES];
	int r;

	keys_files(conf, files);
	r = make(&files[0], "k1 ", diag);
	if (r == 0)
		r = make(&files[1], "", diag);
	if (r == 0)
		r = make(&files[2], "k1 ", diag);
	if (r == 0)
		r = make(&files[3], "", diag);
	return r < 0 ? r : make_for_dovecot(&files[4], files[3].path, diag);
}

/* Key ring and SRS secret. */
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

#define SECRET_BYTES 32
#define TEXT_MAX     256

unsigned keys_files(const struct verbs_conf *conf, struct keys_file out[2])
{
	out[0] = (struct keys_file){ conf->shared.dkim_keyring_file, "mailreeve-milter", "key ring for DKIM keys" };
	out[1] = (struct keys_file){ conf->shared.srs_secret_file, "mailreeve-lookup", "secret for rewritten senders" };
	return 2;
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

/* The key ring has lines "ID BASE64", the SRS secret is text alone. */
static int make(const struct keys_file *f, const char *prefix, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(TEXT_MAX);
	uint8_t secret[SECRET_BYTES];
	int r = 0;

	if (!*f->path || access(f->path, F_OK) == 0) {
		printf("%s: %s\n", f->what, *f->path ? "exists, left as it is" : "no file configured");
		return 0;
	}
	r = mr_random(secret, sizeof(secret));
	if (r < 0)
		return mr_diag_set(diag, r, "no random bytes from the kernel");
	mr_buf_puts(&text, prefix);
	mr_base64_add(&text, (struct mr_slice){ (const char *)secret, sizeof(secret) });
	mr_buf_putc(&text, '\n');
	r = create(f, mr_buf_slice(&text), diag);
	mr_wipe(secret, sizeof(secret));
	mr_wipe(text.p, text.cap);
	mr_buf_done(&text);
	if (r == 0)
		printf("%s: made %s\n", f->what, f->path);
	return r;
}

int keys_make(const struct verbs_conf *conf, struct mr_diag *diag)
{
	struct keys_file files[2];
	int r;

	keys_files(conf, files);
	r = make(&files[0], "k1 ", diag);
	return r < 0 ? r : make(&files[1], "", diag);
}

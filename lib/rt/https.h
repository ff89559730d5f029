/* https: GET over HTTPS, in a thread of its own, so that neither handshakes nor certificates are a concern of the loop. Nothing is
 * followed, kept or believed: the certificate must be of a named authority and of the host, redirects are answers like others, proxies
 * and cookies are not for us, and the addresses are the caller's. Loop thread only. */
#pragma once
#include "base/buf.h"
#include "rt/loop.h"

struct mr_https;
struct mr_https_answer {
	const char *error; /* in words; NULL: an answer came */
	long status;
	const char *type; /* Content-Type, "" = none */
	struct mr_slice body;
};
struct mr_https_get {
	const char *host, *path; /* host: that the certificate must name */
	const char *address;     /* to connect to, as curl(1) takes it: an IPv6 one in brackets */
	unsigned port;
	size_t max;          /* bytes of the body; more is an error */
	uint64_t timeout_ms; /* for all of it */
	/* Later, exactly once; the answer lives during the call. */
	void (*done)(const struct mr_https_answer *a, void *arg);
	void *arg;
};

struct mr_https *mr_https_new(struct mr_loop *l, const char *ca_file);
void mr_https_free(struct mr_https *h); /* what is under way ends without a callback */
/* -EAGAIN: too many are under way. What is asked for is copied. */
int mr_https_start(struct mr_https *h, const struct mr_https_get *get);

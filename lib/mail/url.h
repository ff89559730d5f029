/* url: web addresses in mail: found in text, taken apart, and brought to one form that lists are asked about (RFC 3986; IDNA by libidn2;
 * registered domains by the public suffix list). */
#pragma once
#include "base/arena.h"

#define MR_URL_HOST_MAX 253

struct mr_url {
	struct mr_slice raw;    /* as found */
	struct mr_slice scheme; /* lower case; "http" where the text has none */
	struct mr_slice
	    host; /* lower case, percent-encoding undone, punycode; an IPv4 address with four decimal numbers, an IPv6 one in brackets */
	struct mr_slice
	    domain; /* registered: "example.co.uk"; the address itself; empty where the host is a public suffix or a single name */
	struct mr_slice rest; /* path, query and fragment as written, or empty */
	bool ip;
	bool userinfo;     /* "http://bank.example@evil.example/" */
	bool odd_ip;       /* an IPv4 address not written as four decimal numbers: 0x7f.1, 2130706433, [::ffff:127.0.0.1] */
	bool encoded_host; /* the host was percent-encoded */
	bool port;         /* one that is not the scheme's */
	bool scheme_given;
};

/* Loads the public suffix list, once in a process, before threads and before a sandbox. */
void mr_url_init(void);
/* A target of a link, or a word of text. -EINVAL: no web address: another scheme, no host, a host that no DNS name can be. */
int mr_url_parse(struct mr_slice raw, struct mr_arena *arena, struct mr_url *out);
/* The next address in visible text: with a scheme, with "www.", or a bare name under a public suffix of the list's ICANN part
 * ("pay.example.com/x"), but no part of an e-mail address. False at the end; *rest is what follows. */
bool mr_url_next(struct mr_slice *rest, struct mr_arena *arena, struct mr_url *out);

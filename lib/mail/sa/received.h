/* sa/received: forms of Received fields, as a table of templates. A template is compared from the front of what follows "from ":
 *
 *   %h %r %b %t   a word: the name that the client gave, its name in DNS, who wrote the field, an identity; %H %R %T: or nothing
 *   %i %I         an address; ... maybe in square brackets
 *   %s %S         a word, or nothing, that is passed over
 *   %n            digits
 *   %e            "HELO" or "EHLO"
 *   %L            this host: "localhost", 127.0.0.1, ::1
 *   %v            maybe " (envelope-sender <address>)"
 *   %c            what a bracket holds: its "helo=" and "ident=" are taken
 *   %* %>         anything, as little, as much as can be
 *   %d            10 to 80 characters
 *   %$            the end
 *   all else      itself
 *
 * Words end at white space, and before what follows in the template. */
#pragma once
#include "mail/sa/internal.h"

enum sa_form_flag {
	SA_FORM_SKIP = 1u << 0,      /* no host handed anything over */
	SA_FORM_LOOKS_UP = 1u << 1,  /* who writes so looks names up */
	SA_FORM_UNKNOWN = 1u << 2,   /* "unknown" for no name */
	SA_FORM_IDENT = 1u << 3,     /* the name may have "identity@" before it */
	SA_FORM_SAME_HELO = 1u << 4, /* the client gave the name that DNS has */
	SA_FORM_QMAIL = 1u << 5,     /* only with SMTP or QMQP and no " id " behind it; "unknown" for no look-up */
	SA_FORM_DOT = 1u << 6,       /* the name in DNS has a dot */
	SA_FORM_NO_QMAIL = 1u << 7,  /* not where qmail's LDAP variant wrote it */
	SA_FORM_NO_ID = 1u << 8,     /* the id is none of the message */
	SA_FORM_COURIER = 1u << 9,   /* "softdnserr" for no look-up */
	SA_FORM_FETCHED = 1u << 10,  /* by a program that fetches mail */
	SA_FORM_VERSION = 1u << 11,  /* maybe a bracket, and a version of four numbers, follow the guard */
	SA_FORM_WORD = 1u << 12,     /* the guard ends a word */
};

struct sa_form {
	const char *guard; /* must stand in it; NULL for none */
	const char *form;
	unsigned flags;
};
extern const struct sa_form sa_forms[];
extern const size_t sa_n_forms;
/* Whether the form's guard stands in the field. */
bool sa_form_guard(const struct sa_form *f, struct mr_slice s);
/* How the client logged in: "ESMTPA", "Postfix" ...; "": nothing says it did. */
struct mr_slice sa_received_auth(struct mr_arena *a, struct mr_slice line);

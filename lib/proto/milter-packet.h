/* milter-packet: packets of the milter protocol, version 6 (of Sendmail, in libmilter's mfdef.h; Postfix: MILTER_README), the filter's
 * side. A packet is its length in four bytes, a letter, and data. Pure. */
#pragma once
#include "base/buf.h"
#include "base/parse.h"

#define MR_PACKET_VERSION   6
#define MR_PACKET_MAX       (1u << 20) /* bytes, length left out: a body comes in parts of 64 KiB, a field as long as the MTA takes it */
#define MR_PACKET_WORDS_MAX 64         /* of MAIL or RCPT */

/* What the MTA tells, */
#define MR_PACKET_NEGOTIATE 'O'
#define MR_PACKET_MACROS    'D'
#define MR_PACKET_CONNECT   'C'
#define MR_PACKET_HELO      'H'
#define MR_PACKET_MAIL      'M'
#define MR_PACKET_RCPT      'R'
#define MR_PACKET_DATA      'T'
#define MR_PACKET_FIELD     'L'
#define MR_PACKET_EOH       'N'
#define MR_PACKET_BODY      'B'
#define MR_PACKET_END       'E'
#define MR_PACKET_ABORT     'A'
#define MR_PACKET_UNKNOWN   'U'
#define MR_PACKET_QUIT      'Q'
/* what it is answered, */
#define MR_PACKET_CONTINUE 'c'
#define MR_PACKET_REJECT   'r'
#define MR_PACKET_DISCARD  'd'
#define MR_PACKET_TEMPFAIL 't'
#define MR_PACKET_REPLY    'y'
/* and what is changed at the end. */
#define MR_PACKET_INSERT     'i'
#define MR_PACKET_CHANGE     'm'
#define MR_PACKET_ADD_RCPT   '2'
#define MR_PACKET_DEL_RCPT   '-'
#define MR_PACKET_QUARANTINE 'q'

/* Of MR_PACKET_NEGOTIATE: what may be changed, */
#define MR_PACKET_MAY_ADD_FIELD      0x1u
#define MR_PACKET_MAY_ADD_RCPT       0x4u
#define MR_PACKET_MAY_DEL_RCPT       0x8u
#define MR_PACKET_MAY_CHANGE_FIELD   0x10u
#define MR_PACKET_MAY_QUARANTINE     0x20u
#define MR_PACKET_MAY_ADD_RCPT_WORDS 0x80u
#define MR_PACKET_MAY_NAME_MACROS    0x100u
/* what is not told, what is not answered, and that values of fields come with the space behind the colon. */
#define MR_PACKET_NO_EOH     0x40u
#define MR_PACKET_NR_FIELD   0x80u
#define MR_PACKET_NO_UNKNOWN 0x100u
#define MR_PACKET_NO_DATA    0x200u
#define MR_PACKET_NR_CONNECT 0x1000u
#define MR_PACKET_NR_HELO    0x2000u
#define MR_PACKET_NR_RCPT    0x8000u
#define MR_PACKET_NR_BODY    0x80000u
#define MR_PACKET_LEAD_SPACE 0x100000u

/* Where macros are told: the order in which it names them. */
enum mr_packet_stage {
	MR_PACKET_AT_CONNECT,
	MR_PACKET_AT_HELO,
	MR_PACKET_AT_MAIL,
	MR_PACKET_AT_RCPT,
	MR_PACKET_AT_DATA,
	MR_PACKET_AT_END,
	MR_PACKET_AT_EOH,
	MR_PACKET_STAGES
};

struct mr_packet {
	char command;
	struct mr_slice data; /* in `in` */
};
struct mr_packet_offer {
	uint32_t version, actions, steps;
};

/* The packet at the beginning of `in`. 1 with *used, 0 when more is needed (*used: at least so many bytes in all), -EPROTO. */
int mr_packet_next(struct mr_slice in, struct mr_packet *out, size_t *used);
/* -EPROTO for what does not look like it. */
int mr_packet_offer_decode(struct mr_slice data, struct mr_packet_offer *out);
/* The name of the client, and its address: family 0 when it has none. */
int mr_packet_connect_decode(struct mr_slice data, const char **name, struct mr_ip *client);
/* Strings that end with NUL each, n of them, at most max; v[n] = NULL, so v has room for max + 1. At least one. */
int mr_packet_words_decode(struct mr_slice data, const char **v, size_t max, size_t *n);
/* The next macro of the data behind the letter of MR_PACKET_MACROS; its name without braces. False at the end, and for half a one. */
bool mr_packet_macro_next(struct mr_slice *data, struct mr_slice *name, const char **value);
/* The stage of a command, MR_PACKET_STAGES where it has none. */
enum mr_packet_stage mr_packet_stage_of(char command);

/* macros[stage]: names with a space between, or NULL for what the MTA tells by itself. */
int mr_packet_put_offer(struct mr_buf *out, const struct mr_packet_offer *o, const char *const macros[MR_PACKET_STAGES]);
int mr_packet_put(struct mr_buf *out, char command, struct mr_slice data);
/* Each string with its NUL, none where NULL; with `index` in front for MR_PACKET_INSERT and MR_PACKET_CHANGE. */
int mr_packet_put_words(struct mr_buf *out, char command, const char *first, const char *second);
int mr_packet_put_field(struct mr_buf *out, char command, uint32_t index, const char *name, const char *value);

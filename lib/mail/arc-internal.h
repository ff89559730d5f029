/* arc-internal: the sets of a message, as sealing and verifying read them. */
#pragma once
#include "mail/arc.h"
#include "mail/sig.h"

enum arc_kind { ARC_SEAL, ARC_SIGNATURE, ARC_RESULTS, ARC_KINDS };
extern const char *const mr_arc_names[ARC_KINDS];

enum { ARC_A, ARC_B, ARC_BH, ARC_C, ARC_CV, ARC_D, ARC_H, ARC_I, ARC_L, ARC_S, ARC_T, ARC_X, ARC_TAGS };

struct arc_field {
	const struct mr_header *header;
	struct mr_slice tags[ARC_TAGS]; /* of seal and signature */
	struct mr_slice results;        /* of results: after the instance */
};
struct arc_set {
	struct arc_field fields[ARC_KINDS];
};
struct arc_chain {
	struct arc_set sets[MR_ARC_SETS_MAX]; /* instance 1 first */
	unsigned n;                           /* the highest instance */
	const char *problem;                  /* with the structure (section 5.2, steps 1 to 3), or NULL */
};
/* NULL where the message has no such field at all. The chain lives in the arena. */
struct arc_chain *mr_arc_collect(const struct mr_message *m, struct mr_arena *arena);
/* The three fields of a set in the order in which they are sealed, with line ends. -ENOBUFS. */
int mr_arc_add_set(struct mr_buf *out, const struct arc_set *s);

/* fake-directory: a scripted stand-in for lookup's directory socket, in the test's own loop and under the test's clock.
 *
 * What it answers is said by lines
 *   account ADDRESS STATUS [disabled] [kept] [limit=RULE]...       "_" stands for a blank; kept: may be, as of now
 *   resolve ADDRESS STATUS [hosted] [right=ALIAS:WHO,WHO...]... [local ADDRESS [quota=N] [used=N] [send-only] [allow=PATTERN]
 * [deny=PATTERN]]... [foreign ADDRESS]... the latest one for an address counts; without one the answer is "notfound", not hosted. */
#pragma once
#include "base/slice.h"
#include "rt/loop.h"

struct fake_directory;

/* Its generation stands in the same folder. */
struct fake_directory *fake_directory_new(struct mr_loop *l, const char *path);
void fake_directory_free(struct fake_directory *f);
void fake_directory_answer(struct fake_directory *f, struct mr_slice line);
/* change: raises the generation. open, away: whether it listens. hold: questions wait. release: those are answered now, and no more are
 * held. garbage: answers are nonsense. False for another word. */
bool fake_directory_mode(struct fake_directory *f, struct mr_slice word);
/* Questions so far that begin with "CMD ADDRESS". */
size_t fake_directory_asked(const struct fake_directory *f, struct mr_slice what);

#include "thresholds.h"

/* system */
#include <math.h>
#include <stdio.h>

bool thresholds_given(const char *const texts[MR_THRESHOLDS])
{
	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		if (texts[t])
			return true;
	return false;
}

void thresholds_print(const struct mr_thresholds *t, struct mr_arena *arena)
{
	static const char *const labels[MR_THRESHOLDS] = {
		[MR_AT_HEADER] = "header score",           [MR_AT_GREYLIST] = "greylist",   [MR_AT_JUNK] = "junk score",
		[MR_AT_QUARANTINE] = "quarantine",         [MR_AT_REJECT] = "reject score", [MR_AT_OUTBOUND] = "outbound",
		[MR_AT_OUTBOUND_REJECT] = "outbound rej.",
	};

	for (unsigned i = 0; i < MR_THRESHOLDS; i++)
		printf("%-13s %s\n", labels[i], isnan(t->at[i]) ? "default" : mr_arena_printf(arena, "%.2f", t->at[i]));
}

void thresholds_json(const struct mr_thresholds *t, json_t *object)
{
	for (unsigned i = 0; i < MR_THRESHOLDS; i++)
		json_object_set_new(object, mr_threshold_name(i), isnan(t->at[i]) ? json_null() : json_real(t->at[i]));
}

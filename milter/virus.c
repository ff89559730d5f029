/* virus: see virus.h.
 *
 * VIRUS            0   the message is refused or withheld, whatever lists and thresholds say
 * VIRUS_SUSPECTED  virus_suspicious_score
 * VIRUS_UNCHECKED  0   nobody has looked: too big, or clamd is away and clamd_away = tag */

/* ours */
#include "milter-stats.h"
#include "virus.h"

bool mr_virus_wanted(const struct mr_job *j)
{
	return j->settings->clamd && j->role != MR_ROLE_FORWARD && !j->released && j->message.n <= j->settings->clamd_max_size;
}

/* Signatures that only say what is often found in bad mail: their names begin with one of these. */
static bool is_suspicion(const struct mr_job *j, const char *name)
{
	struct mr_slice list = mr_slice_of(j->settings->virus_suspicious), one;

	while (mr_slice_next(&list, ' ', &one))
		if (one.n && mr_slice_starts(mr_slice_of(name), one))
			return true;
	return false;
}

static enum mr_virus unanswered(const struct mr_job *j)
{
	switch (j->settings->clamd_away) {
	case MR_CLAMD_AWAY_DEFER:
		return MR_VIRUS_AWAY;
	case MR_CLAMD_AWAY_TAG:
		return MR_VIRUS_UNCHECKED;
	case MR_CLAMD_AWAY_PASS:
		break;
	}
	return MR_VIRUS_NONE;
}

void mr_virus_note(struct mr_job *j, const struct mr_clamd_answer *a)
{
	if (!a) {
		j->virus = unanswered(j);
		return;
	}
	switch (a->status) {
	case MR_CLAMD_FOUND:
		j->virus = is_suspicion(j, a->text) ? MR_VIRUS_SUSPECTED : MR_VIRUS_FOUND;
		memcpy(j->virus_name, a->text, sizeof(j->virus_name));
		atomic_fetch_add(j->virus == MR_VIRUS_FOUND ? &mr_milter_counters.viruses : &mr_milter_counters.viruses_suspected, 1);
		break;
	case MR_CLAMD_TOO_BIG:
		j->virus = MR_VIRUS_UNCHECKED;
		break;
	case MR_CLAMD_CLEAN:
	case MR_CLAMD_FAILED: /* told as no answer */
		break;
	}
}

void mr_virus_symbol(struct mr_job *j)
{
	static const char *const names[] = {
		[MR_VIRUS_NONE] = NULL,     [MR_VIRUS_UNCHECKED] = "VIRUS_UNCHECKED", [MR_VIRUS_SUSPECTED] = "VIRUS_SUSPECTED",
		[MR_VIRUS_FOUND] = "VIRUS", [MR_VIRUS_AWAY] = "VIRUS_UNCHECKED",      [MR_VIRUS_SLOW] = "VIRUS_UNCHECKED",
	};

	if (names[j->virus] && j->scanned)
		mr_scan_result_add(&j->scan, names[j->virus], j->virus == MR_VIRUS_SUSPECTED ? j->settings->virus_suspicious_score : 0,
				   "virus");
}

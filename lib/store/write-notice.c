/* What users were told of. */
#include "store/write.h"

/* ours */
#include "base/mem.h"
#include "store/query.h"

int mr_write_notice(struct mr_db *db, const char *address, const char *kind, bool *first, struct mr_diag *diag)
{
	uint64_t added = 0;
	int r = mr_exec(db, "DELETE FROM notice WHERE day < UTC_DATE() - INTERVAL 7 DAY LIMIT 1000", MR_NO_PARAMS, NULL, diag);

	if (r == 0)
		r = mr_exec(db, "INSERT IGNORE INTO notice (address, kind, day) VALUES (?, ?, UTC_DATE())",
			    MR_PARAMS(mr_text(address), mr_text(kind)), &added, diag);
	if (r == 0)
		*first = added > 0;
	return r;
}

int mr_write_notice_undo(struct mr_db *db, const char *address, const char *kind, struct mr_diag *diag)
{
	return mr_exec(db, "DELETE FROM notice WHERE address = ? AND kind = ? AND day = UTC_DATE()",
		       MR_PARAMS(mr_text(address), mr_text(kind)), NULL, diag);
}

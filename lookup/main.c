/* mailreeve-lookup: answers every question about accounts, from memory. */
#include "lookup.h"

/* ours */
#include "stats.h"

static const struct mr_daemon daemon_lookup = {
	.name = "lookup",
	.options = mr_lookup_options,
	.conf_size = sizeof(struct mr_lookup_conf),
	.stats = mr_lookup_stats,
	.drain_ms = 15000, /* longer than any question's deadline by default */
	.validate = mr_lookup_validate,
	.start = mr_lookup_start,
	.reload = mr_lookup_reload,
	.drain = mr_lookup_drain,
	.pending = mr_lookup_pending,
	.stop = mr_lookup_stop,
	.status = mr_lookup_status,
	.control = mr_lookup_control,
	.check = mr_lookup_check,
};

int main(int argc, char **argv)
{
	return mr_daemon_main(argc, argv, &daemon_lookup);
}

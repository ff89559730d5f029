/* mailreeve-policyd: answers Postfix's policy requests: what no map can say. */

/* ours */
#include "policyd.h"

static const struct mr_daemon daemon_policyd = {
	.name = "policyd",
	.options = mr_policyd_options,
	.conf_size = sizeof(struct mr_policyd_conf),
	.stats = mr_policyd_stats,
	.drain_ms = 16000, /* longer than any deadline */
	.validate = mr_policyd_validate,
	.start = mr_policyd_start,
	.drain = mr_policyd_drain,
	.pending = mr_policyd_pending,
	.stop = mr_policyd_stop,
	.status = mr_policyd_status,
	.check = mr_policyd_check,
};

int main(int argc, char **argv)
{
	return mr_daemon_main(argc, argv, &daemon_policyd);
}

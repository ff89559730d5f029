/* systemd: sd_notify(3) messages; without NOTIFY_SOCKET libsystemd does nothing. */

/* system */
#include <inttypes.h>
#include <time.h>

/* libraries */
#include <systemd/sd-daemon.h>

/* ours */
#include "rt/systemd.h"

static struct mr_timer *watchdog; /* one a process, as systemd has it */
static struct mr_loop *watched;
static uint64_t interval; /* ms */

static void on_watchdog(void *arg)
{
	sd_notify(0, "WATCHDOG=1");
	watchdog = mr_timer_start(watched, interval, on_watchdog, NULL);
}

void mr_systemd_ready(struct mr_loop *l, const char *status)
{
	uint64_t usec = 0;

	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
	if (watchdog || sd_watchdog_enabled(0, &usec) <= 0)
		return;
	watched = l;
	interval = usec / 1000 / 3; /* two may be late */
	on_watchdog(NULL);
}

void mr_systemd_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* systemd compares it with its own clock (Type=notify-reload) */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void mr_systemd_stopping(void)
{
	sd_notify(0, "STOPPING=1");
	mr_timer_cancel(&watchdog); /* systemd watches no more from here on */
}

/* systemd: readiness, watchdog and stopping (sd_notify(3)); does nothing where there is no systemd. */
#pragma once
#include "rt/loop.h"

void mr_systemd_ready(struct mr_loop *l, const char *status); /* also starts the watchdog timer on the loop */
void mr_systemd_reloading(void);
void mr_systemd_stopping(void);

/* daemon: the milter's row for mr_daemon_main(). */
#pragma once
#include "app/app.h"

extern const struct mr_daemon mr_milter_daemon;

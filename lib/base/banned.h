/* banned: calls that cannot be used safely here. Included for every file of ours by the build (-include); see style in
 * CONTRIBUTING.md for what to use in their place. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok atoi atol atof sscanf vsscanf gets
#pragma GCC poison alloca localtime gmtime ctime asctime system popen tmpnam mktemp

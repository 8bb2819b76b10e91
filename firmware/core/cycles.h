/* The core's cycle counter. */
#ifndef CORE_CYCLES_H
#define CORE_CYCLES_H

void cycles_start(void);

#endif

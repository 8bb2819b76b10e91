/* Counters of cycles: the core's own, and SysTick's. */
#ifndef CORE_CYCLES_H
#define CORE_CYCLES_H

#include <stdint.h>

void cycles_start(void);

/* Cycles since `clock_start`; with interrupts off. */
uint64_t systick_cycles(void);

#endif

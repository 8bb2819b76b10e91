/* Times told to the host. */
#ifndef DUT_LAP_H
#define DUT_LAP_H

#include <stdint.h>

/* Which of MLPerf Tiny's builds this is. In its energy mode a meter sees the trigger pin, and no time is told. */
#ifdef DUT_ENERGY
#define DUT_MODE "energy"
#else
#define DUT_MODE "performance"
#endif

/* Tells a time. */
void dut_put_time(uint64_t microseconds);
/* Tells the present time, after a pulse on the trigger pin. */
void dut_put_lap(void);

#endif

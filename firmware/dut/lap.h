/* Times told to the host. */
#ifndef DUT_LAP_H
#define DUT_LAP_H

#include <stdint.h>

/* Tells a time. */
void dut_put_time(uint64_t microseconds);
/* Tells the present time, after a pulse on the trigger pin. */
void dut_put_lap(void);

#endif

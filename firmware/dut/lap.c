/* Times told to the host. */
#include "dut/lap.h"

#include "board.h"
#include "core/platform.h"
#include "core/text.h"

#ifdef DUT_ENERGY
#ifndef BOARD_TRIGGER_PIN
#error "the energy mode needs a trigger pin"
#endif
void dut_put_time(uint64_t microseconds) { (void)microseconds; }
#else
void dut_put_time(uint64_t microseconds) {
    put_text("m-lap-us-");
    put_unsigned(microseconds);
    put_line("");
}
#endif

void dut_put_lap(void) {
    const uint64_t now = clock_microseconds();
    trigger_pulse();
    dut_put_time(now);
}

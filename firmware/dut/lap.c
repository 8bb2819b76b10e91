/* Times told to the host. */
#include "dut/lap.h"

#include "core/platform.h"
#include "core/text.h"

void dut_put_time(uint64_t microseconds) {
    put_text("m-lap-us-");
    put_unsigned(microseconds);
    put_line("");
}

void dut_put_lap(void) {
    const uint64_t now = clock_microseconds();
    trigger_pulse();
    dut_put_time(now);
}

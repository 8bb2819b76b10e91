/* The pulse that a power meter sees: low for a moment, as MLPerf Tiny's energy mode has it. */
#include "board.h"
#include "core/family.h"
#include "core/platform.h"

/* Long enough for a meter that polls its pin, short beside a window of inferences. */
#define PULSE_US 100u

void trigger_pulse(void) {
#ifdef BOARD_TRIGGER_PIN
    family_trigger_set(false);
    const uint64_t start = clock_microseconds();
    while (clock_microseconds() - start < PULSE_US) {
    }
    family_trigger_set(true);
#endif
}

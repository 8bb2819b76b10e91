/* The core's cycle counter: exact, but it stands still while the core sleeps. */
#include "core/cycles.h"

#include "board.h"
#include "core/cortex.h"
#include "core/platform.h"

void cycles_start(void) {
    SCB_DEMCR |= SCB_DEMCR_TRACE;
#ifdef BOARD_CORE_CORTEX_M7
    DWT_LAR = DWT_LAR_KEY; /* the Cortex-M7's is locked where no debugger has opened it */
#endif
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCLES;
}

uint32_t clock_cycles(void) { return DWT_CYCCNT; }

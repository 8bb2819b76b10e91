/* STM32F7: clock and the caches of the Cortex-M7 (RM0385; Armv7-M Architecture Reference Manual). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32f4_f7.h"

#define OVER_DRIVE_HZ 180000000u /* faster needs the regulator's over-drive */
/* Of every Cortex-M7's data cache: lines of 32 bytes, four ways. */
#define CACHE_SET_SHIFT 5u
#define CACHE_WAY_SHIFT 30u
#define CACHE_WAYS 4u
#define CACHE_SETS(ccsidr) (((ccsidr) >> 13 & 0x7FFFu) + 1u)

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ >= 50000000u && BOARD_CLOCK_HZ <= 216000000u,
               "out of the PLL's reach");

uint32_t machine_clock_hz(void) { return on_pll() ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return SCB_CCR & SCB_CCR_INSTRUCTION_CACHE; }
bool machine_data_cache(void) { return SCB_CCR & SCB_CCR_DATA_CACHE; }

/* What a cache holds after a reset is chance. */
static void caches_on(void) {
    CACHE_ICIALLU = 0;
    CACHE_CSSELR = 0; /* the data cache of the first level */
    barrier();
    const uint32_t sets = CACHE_SETS(CACHE_CCSIDR);
    for (uint32_t set = 0; set < sets; set++) {
        for (uint32_t way = 0; way < CACHE_WAYS; way++) {
            CACHE_DCISW = set << CACHE_SET_SHIFT | way << CACHE_WAY_SHIFT;
        }
    }
    barrier();
    SCB_CCR |= SCB_CCR_DATA_CACHE | SCB_CCR_INSTRUCTION_CACHE;
    barrier();
}

void family_start(void) {
    pll_start(BOARD_CLOCK_HZ > OVER_DRIVE_HZ, 0); /* flash is read through the caches, not through its accelerator */
    if (!machine_data_cache()) {
        caches_on();
    }
}

uint32_t uart_clock_start(void) {
    RCC_AHB1ENR |= GPIO_PORTS;
    RCC_APB1ENR |= UART_CLOCK_BIT;
    (void)RCC_APB1ENR;
    return on_pll() ? BOARD_CLOCK_HZ / APB1_DIVISOR : HSI_HZ;
}

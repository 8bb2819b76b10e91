/* STM32L0: clock, regulator and flash interface (RM0367: registers of FLASH, PWR and RCC). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_HSION (1u << 0)
#define RCC_CR_HSIRDY (1u << 2)
#define RCC_CR_HSIDIVEN (1u << 3)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x4002100Cu)
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SW_HSI 1u
#define RCC_CFGR_SW_PLL 3u
#define RCC_CFGR_PRESCALERS_MASK 0x3FF0u
#define RCC_CFGR_PLL_MASK (0xFDu << 16)   /* source, multiplier, divisor */
#define RCC_CFGR_PLLMUL(code) ((code) << 18) /* 0: by 3; 1: by 4 */
#define RCC_CFGR_PLLDIV_2 (1u << 22)
#define RCC_APB1ENR REGISTER(0x40021038u)
#define RCC_APB1ENR_PWREN (1u << 28)

#define PWR_CR REGISTER(0x40007000u)
#define PWR_CR_VOS_MASK (3u << 11)
#define PWR_CR_VOS_RANGE_1 (1u << 11)
#define PWR_CSR REGISTER(0x40007004u)
#define PWR_CSR_VOSF (1u << 4)

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY (1u << 0) /* a wait state, above 16 MHz */
#define FLASH_ACR_PRFTEN (1u << 1)
#define FLASH_ACR_PRE_READ (1u << 6)

#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / HSI_HZ)

_Static_assert(BOARD_CLOCK_HZ % (HSI_HZ / 2u) == 0 && (PLL_MULTIPLIER == 3u || PLL_MULTIPLIER == 4u),
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> 2 & 3u) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_PRFTEN; } /* its buffers are all there is */
bool machine_data_cache(void) { return false; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, 3u << 2, source << 2);
}

/* After a reset the core runs at 2 MHz, and the regulator at range 2. */
void family_start(void) {
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC_APB1ENR;
    FLASH_ACR |= FLASH_ACR_LATENCY;
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY, FLASH_ACR_LATENCY);
    FLASH_ACR |= FLASH_ACR_PRFTEN | FLASH_ACR_PRE_READ;
    set_field(&PWR_CR, PWR_CR_VOS_MASK, PWR_CR_VOS_RANGE_1);
    wait_for(&PWR_CSR, PWR_CSR_VOSF, 0);
    set_field(&RCC_CR, RCC_CR_HSIDIVEN, RCC_CR_HSION);
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, 0);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLLON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
    set_field(&RCC_CFGR, RCC_CFGR_PLL_MASK, RCC_CFGR_PLLMUL(PLL_MULTIPLIER - 3u) | RCC_CFGR_PLLDIV_2);
    RCC_CR |= RCC_CR_PLLON;
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        run_on(RCC_CFGR_SW_PLL);
    }
}

uint32_t uart_clock_hz(void) { return machine_clock_hz(); } /* both buses run as fast as the core */

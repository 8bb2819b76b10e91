/* STM32G0: clock and flash interface (RM0444: registers of FLASH and RCC). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_HSIDIV_MASK (7u << 11)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_CFGR_PRESCALERS_MASK 0x7F00u
#define RCC_CFGR_SW_MASK (7u << 0)
#define RCC_CFGR_SWS_SHIFT 3u
#define RCC_CFGR_SW_HSI 0u
#define RCC_CFGR_SW_PLL 2u
#define RCC_PLLCFGR REGISTER(0x4002100Cu)
#define RCC_PLLCFGR_SOURCE_HSI (2u << 0)
#define RCC_PLLCFGR_REN (1u << 28)   /* output R, the core's */
#define RCC_PLLCFGR_R_DIV2 (1u << 29)

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY_MASK 7u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / 24000000u) /* at the regulator's range 1; 2 reach 64 MHz */
#define FLASH_ACR_PRFTEN (1u << 8)
#define FLASH_ACR_ICEN (1u << 9)

#define VCO_INPUT_HZ 8000000u
#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ)

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ <= 64000000u && PLL_MULTIPLIER >= 12u,
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> RCC_CFGR_SWS_SHIFT & RCC_CFGR_SW_MASK) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_ICEN; }
bool machine_data_cache(void) { return false; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, RCC_CFGR_SW_MASK << RCC_CFGR_SWS_SHIFT, source << RCC_CFGR_SWS_SHIFT);
}

/* The regulator is at range 1 after a reset. */
void family_start(void) {
    set_field(&RCC_CR, RCC_CR_HSIDIV_MASK, 0);
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLLON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
    RCC_PLLCFGR = RCC_PLLCFGR_SOURCE_HSI | (HSI_HZ / VCO_INPUT_HZ - 1u) << 4 | PLL_MULTIPLIER << 8 |
                  RCC_PLLCFGR_R_DIV2 | RCC_PLLCFGR_REN;
    RCC_CR |= RCC_CR_PLLON;
    set_field(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN);
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, 0);
        run_on(RCC_CFGR_SW_PLL);
    }
}

uint32_t uart_clock_hz(void) { return machine_clock_hz(); } /* its bus runs as fast as the core */

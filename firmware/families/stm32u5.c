/* STM32U5: clock, regulator and the cache before the flash (RM0456: registers of RCC, PWR, FLASH and ICACHE). TrustZone
 * is off, as it leaves the factory. */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x46020C00u)
#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLL1ON (1u << 24)
#define RCC_CR_PLL1RDY (1u << 25)
#define RCC_CFGR1 REGISTER(0x46020C1Cu)
#define RCC_CFGR1_SW_MASK (3u << 0)
#define RCC_CFGR1_SW_HSI 1u
#define RCC_CFGR1_SW_PLL 3u
#define RCC_CFGR2 REGISTER(0x46020C20u)
#define RCC_CFGR2_PRESCALERS_MASK 0x77Fu
#define RCC_PLL1CFGR REGISTER(0x46020C28u)
#define RCC_PLL1CFGR_SOURCE_HSI (2u << 0)
#define RCC_PLL1CFGR_INPUT_8_16_MHZ (3u << 2)
#define RCC_PLL1CFGR_M(divisor) (((divisor) - 1u) << 8)
#define RCC_PLL1CFGR_MBOOST_DIV2 (1u << 12)
#define RCC_PLL1CFGR_REN (1u << 18) /* output R, the core's */
#define RCC_PLL1DIVR REGISTER(0x46020C34u)
#define RCC_PLL1DIVR_RESET_PQ 0x00010200u
#define RCC_PLL1DIVR_R_DIV2 (1u << 24)
#define RCC_AHB3ENR REGISTER(0x46020C94u)
#define RCC_AHB3ENR_PWREN (1u << 2)

#define PWR_VOSR REGISTER(0x4602080Cu)
#define PWR_VOSR_READY (3u << 14) /* range and booster */
#define PWR_VOSR_RANGE_MASK (3u << 16)
#define PWR_VOSR_RANGE_1 (3u << 16)
#define PWR_VOSR_BOOSTEN (1u << 18) /* above 55 MHz; its clock is the PLL's source, divided */

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / 32000000u) /* at the regulator's range 1 */
#define FLASH_ACR_PRFTEN (1u << 8)

#define ICACHE_CR REGISTER(0x40030400u)
#define ICACHE_CR_EN (1u << 0)
#define ICACHE_SR REGISTER(0x40030404u)
#define ICACHE_SR_BUSY (1u << 0)

#define VCO_INPUT_HZ 8000000u
#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ)

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ <= 160000000u && PLL_MULTIPLIER >= 16u,
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR1 >> 2 & 3u) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR1_SW_PLL) ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return ICACHE_CR & ICACHE_CR_EN; }
bool machine_data_cache(void) { return ICACHE_CR & ICACHE_CR_EN; } /* it holds whatever is read from flash */

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR1, RCC_CFGR1_SW_MASK, source);
    wait_for(&RCC_CFGR1, 3u << 2, source << 2);
}

void family_start(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR1_SW_HSI);
    if (RCC_CR & RCC_CR_PLL1ON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLL1ON;
        wait_for(&RCC_CR, RCC_CR_PLL1RDY, 0);
    }
    RCC_AHB3ENR |= RCC_AHB3ENR_PWREN;
    (void)RCC_AHB3ENR;
    RCC_PLL1CFGR = RCC_PLL1CFGR_SOURCE_HSI | RCC_PLL1CFGR_INPUT_8_16_MHZ | RCC_PLL1CFGR_M(HSI_HZ / VCO_INPUT_HZ) |
                   RCC_PLL1CFGR_MBOOST_DIV2 | RCC_PLL1CFGR_REN;
    RCC_PLL1DIVR = (PLL_MULTIPLIER - 1u) | RCC_PLL1DIVR_RESET_PQ | RCC_PLL1DIVR_R_DIV2;
    set_field(&PWR_VOSR, PWR_VOSR_RANGE_MASK, PWR_VOSR_RANGE_1 | PWR_VOSR_BOOSTEN);
    if (!wait_for(&PWR_VOSR, PWR_VOSR_READY, PWR_VOSR_READY)) {
        return; /* without the voltage the core stays at the oscillator's speed */
    }
    RCC_CR |= RCC_CR_PLL1ON;
    set_field(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN);
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    wait_for(&ICACHE_SR, ICACHE_SR_BUSY, 0); /* a reset invalidates it */
    ICACHE_CR |= ICACHE_CR_EN;
    if (wait_for(&RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY)) {
        set_field(&RCC_CFGR2, RCC_CFGR2_PRESCALERS_MASK, 0);
        run_on(RCC_CFGR1_SW_PLL);
    }
}

uint32_t uart_clock_hz(void) { return machine_clock_hz(); } /* both buses run as fast as the core */

/* STM32L4, STM32L4+ and STM32G4: clock and flash accelerator (RM0351, RM0432 and RM0440: registers of FLASH, PWR and
 * RCC, which are at the same places). */
#include "core/family.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_CFGR_PRESCALERS_MASK 0x3FF0u
#define RCC_CFGR_HPRE_DIV2 (8u << 4)
#define RCC_CFGR_SW_MASK (3u << 0)
#define RCC_CFGR_SW_HSI 1u
#define RCC_CFGR_SW_PLL 3u
#define RCC_PLLCFGR REGISTER(0x4002100Cu)
#define RCC_PLLCFGR_SOURCE_HSI (2u << 0)
#define RCC_PLLCFGR_REN (1u << 24) /* output R, the core's; it divides by 2 */

#define RCC_APB1ENR1 REGISTER(0x40021058u)
#define RCC_APB1ENR1_PWREN (1u << 28)

#define PWR_CR2 REGISTER(0x40007004u)
#define PWR_CR2_IOSV (1u << 9)
#define PWR_CR5 REGISTER(0x40007080u)
#define PWR_CR5_R1MODE (1u << 8)

#define FLASH_ACR REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_LATENCY ((BOARD_CLOCK_HZ - 1u) / BOARD_WAIT_STATE_HZ) /* at the regulator's range 1 */
#define FLASH_ACR_PRFTEN (1u << 8)
#define FLASH_ACR_ICEN (1u << 9)
#define FLASH_ACR_DCEN (1u << 10)

#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / BOARD_VCO_INPUT_HZ)

_Static_assert(BOARD_CLOCK_HZ % (BOARD_VCO_INPUT_HZ / 2u) == 0 && PLL_MULTIPLIER >= 8u && PLL_MULTIPLIER <= 127u,
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> 2 & 3u) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_HZ; }
bool machine_instruction_cache(void) { return FLASH_ACR & FLASH_ACR_ICEN; }
bool machine_data_cache(void) { return FLASH_ACR & FLASH_ACR_DCEN; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, 3u << 2, source << 2);
}

/* To more than 80 MHz the core goes in two steps, with a microsecond in between, and the regulator in its boost mode. */
static void run_on_pll(void) {
#ifdef BOARD_BOOST
    set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, RCC_CFGR_HPRE_DIV2);
    run_on(RCC_CFGR_SW_PLL);
    for (uint32_t i = 0; i < BOARD_CLOCK_HZ / 1000000u; i++) {
        __asm volatile("nop");
    }
    set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, 0);
#else
    set_field(&RCC_CFGR, RCC_CFGR_PRESCALERS_MASK, 0);
    run_on(RCC_CFGR_SW_PLL);
#endif
}

/* The regulator is at range 1 after a reset. */
void family_start(void) {
    RCC_CR |= RCC_CR_HSION;
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLLON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLLON;
        wait_for(&RCC_CR, RCC_CR_PLLRDY, 0);
    }
    RCC_APB1ENR1 |= RCC_APB1ENR1_PWREN;
    (void)RCC_APB1ENR1;
#ifdef BOARD_BOOST
    PWR_CR5 &= ~PWR_CR5_R1MODE;
#endif
    RCC_PLLCFGR = RCC_PLLCFGR_SOURCE_HSI | (HSI_HZ / BOARD_VCO_INPUT_HZ - 1u) << 4 | PLL_MULTIPLIER << 8 |
                  RCC_PLLCFGR_REN;
    RCC_CR |= RCC_CR_PLLON;
    set_field(&FLASH_ACR, FLASH_ACR_LATENCY_MASK,
              FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN);
    wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY);
    if (wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        run_on_pll();
    }
#ifdef BOARD_IO2_PORT
    if (GPIO_PORTS >> BOARD_IO2_PORT & 1u) {
        PWR_CR2 |= PWR_CR2_IOSV; /* this port has a supply of its own */
    }
#endif
}

uint32_t uart_clock_hz(void) { return machine_clock_hz(); } /* both buses run as fast as the core */

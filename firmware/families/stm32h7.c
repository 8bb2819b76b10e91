/* STM32H742, H743, H750 and H753: clock, regulator and the caches of the Cortex-M7 (RM0433: registers of RCC, PWR and
 * FLASH). The supply is the internal regulator alone, as after a reset. */
#include "core/family.h"
#include "core/l1_cache.h"
#include "core/platform.h"
#include "families/stm32.h"

#define RCC_CR REGISTER(0x58024400u)
#define RCC_CR_HSION (1u << 0)
#define RCC_CR_HSIRDY (1u << 2)
#define RCC_CR_HSIDIV_MASK (3u << 3)
#define RCC_CR_PLL1ON (1u << 24)
#define RCC_CR_PLL1RDY (1u << 25)
#define RCC_CFGR REGISTER(0x58024410u)
#define RCC_CFGR_SW_MASK (7u << 0)
#define RCC_CFGR_SWS_SHIFT 3u
#define RCC_CFGR_SW_HSI 0u
#define RCC_CFGR_SW_PLL 3u
#define RCC_D1CFGR REGISTER(0x58024418u)
#define RCC_D1CFGR_HPRE_DIV2 (8u << 0)
#define RCC_D1CFGR_D1PPRE_DIV2 (4u << 4)
#define RCC_D2CFGR REGISTER(0x5802441Cu)
#define RCC_D2CFGR_BOTH_DIV2 (4u << 4 | 4u << 8)
#define RCC_D3CFGR REGISTER(0x58024420u)
#define RCC_D3CFGR_DIV2 (4u << 4)
#define RCC_PLLCKSELR REGISTER(0x58024428u)
#define RCC_PLLCKSELR_M1_MASK (63u << 4)
#define RCC_PLLCKSELR_SOURCE_MASK (3u << 0) /* 0: HSI */
#define RCC_PLLCFGR REGISTER(0x5802442Cu)
#define RCC_PLLCFGR_PLL1_MASK (15u << 0)
#define RCC_PLLCFGR_PLL1_INPUT_2_4_MHZ (1u << 2) /* with the wide oscillator: 192 to 836 MHz */
#define RCC_PLLCFGR_OUTPUTS_MASK (7u << 16)
#define RCC_PLLCFGR_P1EN (1u << 16) /* output P, the core's */
#define RCC_PLL1DIVR REGISTER(0x58024430u)
#define RCC_PLL1DIVR_P_DIV2 (1u << 9)

#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_CR3_LDO_ONLY_MASK (7u << 0)
#define PWR_CR3_LDO_ONLY (2u << 0) /* written once after power-on: until then the scale is locked */
#define PWR_CSR1 REGISTER(0x58024804u)
#define PWR_CSR1_ACTVOSRDY (1u << 13)
#define PWR_D3CR REGISTER(0x58024818u)
#define PWR_D3CR_VOSRDY (1u << 13)
#define PWR_D3CR_VOS_MASK (3u << 14)
#define PWR_D3CR_VOS_SCALE_1 (3u << 14)

#define FLASH_ACR REGISTER(0x52002000u)
#define FLASH_ACR_MASK 0x3Fu
#define BUS_HZ (BOARD_CLOCK_HZ / 2u)
#define FLASH_ACR_LATENCY ((BUS_HZ - 1u) / 70000000u) /* at scale 1, 70 MHz of the bus a wait state */
#define FLASH_ACR_WRHIGHFREQ (2u << 4)

#define HSI_64_HZ 64000000u /* of this family the internal oscillator is faster */
#define VCO_INPUT_HZ 4000000u
#define PLL_MULTIPLIER (2u * BOARD_CLOCK_HZ / VCO_INPUT_HZ)
#define UART_DIVISOR 4u /* the bus at half the core's speed, and the peripherals' at half of that */

_Static_assert(BOARD_CLOCK_HZ % (VCO_INPUT_HZ / 2u) == 0 && BOARD_CLOCK_HZ >= 96000000u && BOARD_CLOCK_HZ <= 400000000u,
               "out of the PLL's reach");

static bool runs_on(uint32_t source) { return (RCC_CFGR >> RCC_CFGR_SWS_SHIFT & RCC_CFGR_SW_MASK) == source; }

uint32_t machine_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ : HSI_64_HZ; }
bool machine_instruction_cache(void) { return SCB_CCR & SCB_CCR_INSTRUCTION_CACHE; }
bool machine_data_cache(void) { return SCB_CCR & SCB_CCR_DATA_CACHE; }

static void run_on(uint32_t source) {
    set_field(&RCC_CFGR, RCC_CFGR_SW_MASK, source);
    wait_for(&RCC_CFGR, RCC_CFGR_SW_MASK << RCC_CFGR_SWS_SHIFT, source << RCC_CFGR_SWS_SHIFT);
}

static bool regulator_at_scale_1(void) {
    set_field(&PWR_CR3, PWR_CR3_LDO_ONLY_MASK, PWR_CR3_LDO_ONLY);
    wait_for(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY);
    set_field(&PWR_D3CR, PWR_D3CR_VOS_MASK, PWR_D3CR_VOS_SCALE_1);
    return wait_for(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
}

static void pll_start(void) {
    set_field(&RCC_CR, RCC_CR_HSIDIV_MASK, RCC_CR_HSION);
    wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
    run_on(RCC_CFGR_SW_HSI);
    if (RCC_CR & RCC_CR_PLL1ON) { /* left on by a boot loader: its settings are locked while it runs */
        RCC_CR &= ~RCC_CR_PLL1ON;
        wait_for(&RCC_CR, RCC_CR_PLL1RDY, 0);
    }
    if (!regulator_at_scale_1()) {
        return; /* without the voltage the core stays at the oscillator's speed */
    }
    set_field(&RCC_PLLCKSELR, RCC_PLLCKSELR_M1_MASK | RCC_PLLCKSELR_SOURCE_MASK, HSI_64_HZ / VCO_INPUT_HZ << 4);
    set_field(&RCC_PLLCFGR, RCC_PLLCFGR_PLL1_MASK | RCC_PLLCFGR_OUTPUTS_MASK,
              RCC_PLLCFGR_PLL1_INPUT_2_4_MHZ | RCC_PLLCFGR_P1EN);
    RCC_PLL1DIVR = (PLL_MULTIPLIER - 1u) | RCC_PLL1DIVR_P_DIV2;
    RCC_CR |= RCC_CR_PLL1ON;
    set_field(&FLASH_ACR, FLASH_ACR_MASK, FLASH_ACR_LATENCY | FLASH_ACR_WRHIGHFREQ);
    wait_for(&FLASH_ACR, FLASH_ACR_MASK, FLASH_ACR_LATENCY | FLASH_ACR_WRHIGHFREQ);
    if (wait_for(&RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY)) {
        RCC_D1CFGR = RCC_D1CFGR_HPRE_DIV2 | RCC_D1CFGR_D1PPRE_DIV2;
        RCC_D2CFGR = RCC_D2CFGR_BOTH_DIV2;
        RCC_D3CFGR = RCC_D3CFGR_DIV2;
        run_on(RCC_CFGR_SW_PLL);
    }
}

void family_start(void) {
    pll_start();
    l1_caches_on();
}

uint32_t uart_clock_hz(void) { return runs_on(RCC_CFGR_SW_PLL) ? BOARD_CLOCK_HZ / UART_DIVISOR : HSI_64_HZ; }

/* RP2040 (data sheet: registers of RESETS, XOSC, PLL, CLOCKS, pads, SIO and the UART, which is Arm's PL011). */
#include "board.h"
#include "core/cortex.h"
#include "core/family.h"
#include "core/platform.h"

#define RESETS_RESET REGISTER(0x4000C000u)
#define RESETS_DONE REGISTER(0x4000C008u)
#define RESETS_IO_BANK0 (1u << 5)
#define RESETS_PADS_BANK0 (1u << 8)
#define RESETS_PLL_SYS (1u << 12)

#define CLK_REF_CTRL REGISTER(0x40008030u)
#define CLK_REF_SELECTED REGISTER(0x40008038u) /* a bit a source */
#define CLK_REF_XOSC 2u
#define CLK_SYS_CTRL REGISTER(0x4000803Cu)
#define CLK_SYS_SELECTED REGISTER(0x40008044u)
#define CLK_SYS_REF 0u
#define CLK_SYS_AUX 1u /* its auxiliary source 0 is the PLL */
#define CLK_PERI_CTRL REGISTER(0x40008048u)
#define CLK_PERI_ENABLE (1u << 11) /* from the core's clock */

#define XOSC_CTRL REGISTER(0x40024000u)
#define XOSC_CTRL_ENABLE (0xFABu << 12 | 0xAA0u) /* of 1 to 15 MHz */
#define XOSC_STATUS REGISTER(0x40024004u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP REGISTER(0x4002400Cu)
#define XOSC_STARTUP_MS ((XOSC_HZ / 1000u + 128u) / 256u)
#define XOSC_HZ 12000000u
#define ROSC_HZ 6000000u /* about: what the chip starts with */

#define PLL_CS REGISTER(0x40028000u)
#define PLL_CS_LOCK (1u << 31)
#define PLL_PWR REGISTER(0x40028004u)
#define PLL_PWR_OFF ((1u << 0) | (1u << 5)) /* the PLL, its oscillator */
#define PLL_PWR_DIVIDERS_OFF (1u << 3)
#define PLL_FBDIV REGISTER(0x40028008u)
#define PLL_PRIM REGISTER(0x4002800Cu)
#define DIVIDER_1 6u
#define DIVIDER_2 2u
#define PLL_MULTIPLIER (BOARD_CLOCK_HZ / 1000000u * (DIVIDER_1 * DIVIDER_2) / (XOSC_HZ / 1000000u))

_Static_assert(BOARD_CLOCK_HZ % 1000000u == 0 && BOARD_CLOCK_HZ <= 133000000u &&
                   XOSC_HZ / 1000000u * PLL_MULTIPLIER >= 750u,
               "out of the PLL's reach");

#define XIP_CTRL REGISTER(0x14000000u)
#define XIP_CTRL_EN (1u << 0)

#define IO_CTRL(pin) REGISTER(0x40014004u + 8u * (pin))
#define IO_FUNCTION_SIO 5u
#define PADS(pin) REGISTER(0x4001C004u + 4u * (pin))
#define PADS_PULL_DOWN (1u << 2)
#define PADS_PULL_UP (1u << 3)
#define SIO_OUT_SET REGISTER(0xD0000014u)
#define SIO_OUT_CLR REGISTER(0xD0000018u)
#define SIO_OE_SET REGISTER(0xD0000024u)

#define UART(offset) REGISTER(BOARD_UART_BASE + (offset))
#define UART_DR UART(0x00u)
#define UART_FR UART(0x18u)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_IBRD UART(0x24u)
#define UART_FBRD UART(0x28u)
#define UART_LCR_H UART(0x2Cu)
#define UART_LCR_H_8_BITS (3u << 5) /* no parity, one stop bit, no queues: each byte asks for the interrupt */
#define UART_CR UART(0x30u)
#define UART_CR_ON ((1u << 0) | (1u << 8) | (1u << 9))
#define UART_IMSC UART(0x38u)
#define UART_IMSC_RX (1u << 4)

#define WAIT_LIMIT 1000000u

static bool reaches(volatile uint32_t *flags, uint32_t mask) {
    uint32_t left = WAIT_LIMIT;
    while ((*flags & mask) != mask && --left) {
    }
    return left;
}

static bool runs_on(uint32_t source) { return CLK_SYS_SELECTED >> source & 1u; }

uint32_t machine_clock_hz(void) {
    if (runs_on(CLK_SYS_AUX)) {
        return BOARD_CLOCK_HZ;
    }
    return CLK_REF_SELECTED >> CLK_REF_XOSC & 1u ? XOSC_HZ : ROSC_HZ;
}
bool machine_instruction_cache(void) { return XIP_CTRL & XIP_CTRL_EN; }
bool machine_data_cache(void) { return machine_instruction_cache(); } /* it is one for both */

static void enable(uint32_t blocks) {
    RESETS_RESET &= ~blocks;
    reaches(&RESETS_DONE, blocks);
}

/* The crystal, the PLL from it, the core from that. The boot ROM leaves the core on the ring oscillator; a debugger's
 * reset of the core alone may leave the PLL in use. */
void family_start(void) {
    CLK_SYS_CTRL = CLK_SYS_REF;
    reaches(&CLK_SYS_SELECTED, 1u << CLK_SYS_REF);
    XOSC_STARTUP = XOSC_STARTUP_MS;
    XOSC_CTRL = XOSC_CTRL_ENABLE;
    if (reaches(&XOSC_STATUS, XOSC_STATUS_STABLE)) {
        CLK_REF_CTRL = CLK_REF_XOSC;
        reaches(&CLK_REF_SELECTED, 1u << CLK_REF_XOSC);
        RESETS_RESET |= RESETS_PLL_SYS;
        enable(RESETS_PLL_SYS);
        PLL_CS = 1; /* the crystal's clock, undivided */
        PLL_FBDIV = PLL_MULTIPLIER;
        PLL_PWR &= ~PLL_PWR_OFF;
        if (reaches(&PLL_CS, PLL_CS_LOCK)) {
            PLL_PRIM = DIVIDER_1 << 16 | DIVIDER_2 << 12;
            PLL_PWR &= ~PLL_PWR_DIVIDERS_OFF;
            CLK_SYS_CTRL = CLK_SYS_AUX;
            reaches(&CLK_SYS_SELECTED, 1u << CLK_SYS_AUX);
        }
    }
    XIP_CTRL |= XIP_CTRL_EN;
    CLK_PERI_CTRL = CLK_PERI_ENABLE;
}

#ifdef BOARD_TRIGGER_PIN
void family_trigger_set(bool high) { *(high ? &SIO_OUT_SET : &SIO_OUT_CLR) = 1u << BOARD_TRIGGER_PIN; }

void family_trigger_start(void) {
    family_trigger_set(true); /* before it is an output: no edge */
    SIO_OE_SET = 1u << BOARD_TRIGGER_PIN;
    IO_CTRL(BOARD_TRIGGER_PIN) = IO_FUNCTION_SIO;
}
#endif

void family_uart_start(void) {
    enable(RESETS_IO_BANK0 | RESETS_PADS_BANK0);
    RESETS_RESET |= 1u << BOARD_UART_CLOCK_BIT;
    enable(1u << BOARD_UART_CLOCK_BIT);
    const uint32_t divisor = (machine_clock_hz() * 4u + SERIAL_BAUD / 2u) / SERIAL_BAUD; /* in 64ths */
    UART_IBRD = divisor >> 6;
    UART_FBRD = divisor & 63u;
    UART_LCR_H = UART_LCR_H_8_BITS; /* takes the divisor over */
    UART_CR = UART_CR_ON;
    UART_IMSC = UART_IMSC_RX;
    PADS(BOARD_UART_RX_PIN) = (PADS(BOARD_UART_RX_PIN) & ~PADS_PULL_DOWN) | PADS_PULL_UP; /* an open line is idle */
    IO_CTRL(BOARD_UART_TX_PIN) = BOARD_UART_ALTERNATE;
    IO_CTRL(BOARD_UART_RX_PIN) = BOARD_UART_ALTERNATE;
    NVIC_ENABLE(BOARD_UART_IRQ) = NVIC_BIT(BOARD_UART_IRQ);
}

void family_uart_send(uint8_t byte) {
    while (UART_FR & UART_FR_TXFF) {
    }
    UART_DR = byte;
}

void family_uart_interrupt(void) {
    while (!(UART_FR & UART_FR_RXFE)) {
        serial_received((uint8_t)UART_DR);
    }
}

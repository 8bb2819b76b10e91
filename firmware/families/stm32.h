/* What the STM32 families share: waiting, pins, and what the two generations of UARTs need of a family. */
#ifndef FAMILIES_STM32_H
#define FAMILIES_STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "core/cortex.h"
#include "core/family.h"

/* The internal oscillator, which is on every board whatever crystals it has. */
#define HSI_HZ 16000000u

/* GPIO: two bits a pin in MODER, OSPEEDR and PUPDR; four bits a pin in the two AFR registers. */
#define GPIO_PORT(number) (BOARD_GPIO_BASE + 0x400u * (number))
#define GPIO_MODER(port) REGISTER((port) + 0x00u)
#define GPIO_OSPEEDR(port) REGISTER((port) + 0x08u)
#define GPIO_PUPDR(port) REGISTER((port) + 0x0Cu)
#define GPIO_BSRR(port) REGISTER((port) + 0x18u) /* one bit sets a pin, the one 16 above it resets it */
#define GPIO_BSRR_RESET 16u
#define GPIO_AFR(port, pin) REGISTER((port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_OUTPUT 1u
#define GPIO_ALTERNATE 2u
#define GPIO_PULL_UP 1u

/* Ports with pins in use; their clocks are bits of one register, A's mostly the lowest. */
#ifndef BOARD_GPIO_CLOCK_BIT
#define BOARD_GPIO_CLOCK_BIT 0u
#endif
#ifdef BOARD_TRIGGER_PIN
#define GPIO_PORTS (1u << BOARD_UART_TX_PORT | 1u << BOARD_UART_RX_PORT | 1u << BOARD_TRIGGER_PORT)
#else
#define GPIO_PORTS (1u << BOARD_UART_TX_PORT | 1u << BOARD_UART_RX_PORT)
#endif

#define WAIT_LIMIT 1000000u

/* False if it never happens, which a caller must live with: a board that hangs here could tell nobody. */
static inline bool wait_for(volatile uint32_t *flags, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < WAIT_LIMIT; i++) {
        if ((*flags & mask) == value) {
            return true;
        }
    }
    return false;
}

static inline void set_field(volatile uint32_t *where, uint32_t mask, uint32_t value) {
    *where = (*where & ~mask) | value;
}

/* A pin to its alternate function; pulled up, so that an open line reads as idle. The port's clock is on. */
static inline void gpio_alternate(uint32_t port, uint32_t pin, uint32_t function) {
    set_field(&GPIO_AFR(port, pin), 15u << 4 * (pin % 8), function << 4 * (pin % 8));
    set_field(&GPIO_PUPDR(port), 3u << 2 * pin, GPIO_PULL_UP << 2 * pin);
    set_field(&GPIO_OSPEEDR(port), 3u << 2 * pin, 1u << 2 * pin);
    set_field(&GPIO_MODER(port), 3u << 2 * pin, GPIO_ALTERNATE << 2 * pin);
}

static inline void gpio_output(uint32_t port, uint32_t pin) {
    set_field(&GPIO_MODER(port), 3u << 2 * pin, GPIO_OUTPUT << 2 * pin);
}

static inline void uart_pins(void) {
    REGISTER(BOARD_GPIO_CLOCKS) |= GPIO_PORTS << BOARD_GPIO_CLOCK_BIT;
    REGISTER(BOARD_UART_CLOCKS) |= 1u << BOARD_UART_CLOCK_BIT;
    (void)REGISTER(BOARD_UART_CLOCKS); /* a few cycles until the clock is there */
    gpio_alternate(GPIO_PORT(BOARD_UART_TX_PORT), BOARD_UART_TX_PIN, BOARD_UART_ALTERNATE);
    gpio_alternate(GPIO_PORT(BOARD_UART_RX_PORT), BOARD_UART_RX_PIN, BOARD_UART_ALTERNATE);
}

static inline uint32_t baud_divisor(uint32_t clock_hz) {
#ifdef BOARD_UART_LOW_POWER
    const uint32_t whole = clock_hz / SERIAL_BAUD, rest = clock_hz % SERIAL_BAUD;
    return (whole << 8) + ((rest << 8) + SERIAL_BAUD / 2u) / SERIAL_BAUD; /* in 256ths of a bit */
#else
    return (clock_hz + SERIAL_BAUD / 2u) / SERIAL_BAUD; /* sixteen samples a bit */
#endif
}

/* Of the family: the frequency of the UART's clock. */
uint32_t uart_clock_hz(void);

#endif

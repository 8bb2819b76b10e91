/* What the STM32 families share: waiting, pins, and what the two generations of UARTs need of a family. */
#ifndef FAMILIES_STM32_H
#define FAMILIES_STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "core/cortex.h"

/* The internal oscillator, which is on every board whatever crystals it has. */
#define HSI_HZ 16000000u

/* GPIO: two bits a pin in MODER, OSPEEDR and PUPDR; four bits a pin in the two AFR registers. */
#ifdef BOARD_FAMILY_STM32L4
#define GPIO_PORT(number) (0x48000000u + 0x400u * (number))
#else
#define GPIO_PORT(number) (0x40020000u + 0x400u * (number))
#endif
#define GPIO_MODER(port) REGISTER((port) + 0x00u)
#define GPIO_OSPEEDR(port) REGISTER((port) + 0x08u)
#define GPIO_PUPDR(port) REGISTER((port) + 0x0Cu)
#define GPIO_BSRR(port) REGISTER((port) + 0x18u) /* one bit sets a pin, the one 16 above it resets it */
#define GPIO_BSRR_RESET 16u
#define GPIO_AFR(port, pin) REGISTER((port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_OUTPUT 1u
#define GPIO_ALTERNATE 2u
#define GPIO_PULL_UP 1u

/* Ports with pins in use, as bits of the register that has their clocks. */
#ifdef BOARD_TRIGGER_PIN
#define GPIO_PORTS (1u << BOARD_UART_TX_PORT | 1u << BOARD_UART_RX_PORT | 1u << BOARD_TRIGGER_PORT)
#else
#define GPIO_PORTS (1u << BOARD_UART_TX_PORT | 1u << BOARD_UART_RX_PORT)
#endif

/* USART2, USART3, UART4 and UART5 follow one another, in memory and in their clocks' enable bits. */
#define UART_CLOCK_BIT (1u << (17u + (BOARD_UART_BASE - 0x40004400u) / 0x400u))
_Static_assert(BOARD_UART_BASE >= 0x40004400u && BOARD_UART_BASE <= 0x40005000u, "no UART of the first peripheral bus");

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
    gpio_alternate(GPIO_PORT(BOARD_UART_TX_PORT), BOARD_UART_TX_PIN, BOARD_UART_ALTERNATE);
    gpio_alternate(GPIO_PORT(BOARD_UART_RX_PORT), BOARD_UART_RX_PIN, BOARD_UART_ALTERNATE);
}

static inline uint32_t baud_divisor(uint32_t clock_hz) {
    return (clock_hz + BOARD_UART_BAUD / 2u) / BOARD_UART_BAUD; /* sixteen samples a bit */
}

/* Of the family: clocks of the ports and of the UART on; the frequency of the UART's. */
uint32_t uart_clock_start(void);

#endif

/* What each family of microcontrollers does in its own way. */
#ifndef CORE_FAMILY_H
#define CORE_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* Bits per second. What lies between the host and the board in MLPerf Tiny's energy mode knows this one alone. */
#ifdef DUT_ENERGY
#define SERIAL_BAUD 9600u
#else
#define SERIAL_BAUD BOARD_UART_BAUD
#endif

/* Clock to the board's rated speed, flash wait states before it, caches after it. */
void family_start(void);

/* Pins, baud rate, receive interrupt. Needs the clock. */
void family_uart_start(void);
/* Waits until there is room; works with interrupts off. */
void family_uart_send(uint8_t byte);
/* The UART's interrupt; hands what arrives to serial_received. */
void family_uart_interrupt(void);

/* The pin that tells a power meter of inferences becomes an output; high. Needs the clocks of the ports. */
void family_trigger_start(void);
void family_trigger_set(bool high);

/* Begin to count time; the clock runs at its final speed. */
void clock_start(void);
/* SysTick's interrupt. */
void clock_tick(void);

/* Of core/serial.c, called within the UART's interrupt. */
void serial_received(uint8_t byte);

#endif

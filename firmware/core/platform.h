/* What the protocol needs of the machine. The tests put stand-ins in its place. */
#ifndef CORE_PLATFORM_H
#define CORE_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/* Variables of the firmware itself: beside the stack, where that has SRAM of its own, which leaves the largest span
 * to the model. */
#ifndef FIRMWARE_DATA
#define FIRMWARE_DATA __attribute__((section(".bss.firmware")))
#endif

/* The next byte from the host; sleeps until there is one. */
char serial_get(void);
/* Forget what has arrived so far. */
void serial_flush(void);
/* One byte to the host; waits until there is room. */
void serial_put(char byte);

/* Time since reset that the core was awake, or longer: it never sleeps within a command. */
uint64_t clock_microseconds(void);
/* Cycles of the core; wraps after 2^32. */
uint32_t clock_cycles(void);

/* Tell a power meter that something begins or has ended: a falling edge on the board's trigger pin, if it has one. */
void trigger_pulse(void);

/* What the core runs at: the board's rated speed, or that of the internal oscillator if the PLL did not start. */
uint32_t machine_clock_hz(void);
/* Caches, or the flash interface's substitutes for them, are on. */
bool machine_instruction_cache(void);
bool machine_data_cache(void);

/* Variables of the whole image. */
uint32_t memory_static_bytes(void);
/* The most that the stack ever held, by what was overwritten, and its room. */
uint32_t memory_stack_bytes(void);
uint32_t memory_stack_limit_bytes(void);
/* CRC-32 of the image as it lies in flash: that of the .bin file, if it was programmed without a fault. */
uint32_t memory_image_crc(void);

/* Have the core take a fault on purpose. */
void machine_crash(void);

#endif

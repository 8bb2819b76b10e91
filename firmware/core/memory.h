/* The linker's symbols. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stdint.h>

#define STACK_PAINT 0xA5A5A5A5u
#define STACK_PAINT_TEXT "0xA5A5A5A5"

extern uint32_t __stack_limit[], __stack_top[], __initial_stack[];
extern const uint32_t __data_load[];
extern uint32_t __data_start[], __data_end[];
extern uint32_t __bss_start[], __bss_end[];
extern uint32_t __firmware_start[], __firmware_end[]; /* cleared like .bss */
extern const uint8_t __image_start[], __image_end[];
/* What no variable takes of the model's SRAM. */
extern uint8_t __free_start[], __free_end[];
/* Constructors of C++. */
extern void (*__init_array_start[])(void);
extern void (*__init_array_end[])(void);

#endif

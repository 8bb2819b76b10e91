/* What the image takes. */
#include "core/memory.h"

#include <stddef.h>
#include <string.h>

#include "core/crc.h"
#include "core/platform.h"

static uint32_t distance(const void *from, const void *to) { return (uint32_t)((uintptr_t)to - (uintptr_t)from); }

uint32_t memory_static_bytes(void) {
    return distance(__data_start, __data_end) + distance(__bss_start, __bss_end) +
           distance(__firmware_start, __firmware_end);
}

uint32_t memory_stack_bytes(void) {
    const volatile uint32_t *at = __stack_limit;
    while (at < __stack_top && *at == STACK_PAINT) {
        at++;
    }
    return distance((const void *)(uintptr_t)at, __stack_top);
}

uint32_t memory_stack_limit_bytes(void) { return distance(__stack_limit, __stack_top); }

/* Flash may begin at address 0, where a compiler takes an array never to be. */
uint32_t memory_image_crc(void) { return crc32(0, __image_start, distance(__image_start, __image_end)); }

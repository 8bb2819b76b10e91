/* The caches of a Cortex-M7 (Armv7-M Architecture Reference Manual, B2.2; PM0253). */
#ifndef CORE_L1_CACHE_H
#define CORE_L1_CACHE_H

#include "core/cortex.h"

/* Of every Cortex-M7's data cache: lines of 32 bytes, four ways. */
#define L1_SET_SHIFT 5u
#define L1_WAY_SHIFT 30u
#define L1_WAYS 4u
#define L1_SETS(ccsidr) (((ccsidr) >> 13 & 0x7FFFu) + 1u)

/* What a cache holds after a reset is chance; one that a boot loader has left on is as it should be. */
static inline void l1_caches_on(void) {
    if (SCB_CCR & SCB_CCR_DATA_CACHE) {
        return;
    }
    CACHE_ICIALLU = 0;
    CACHE_CSSELR = 0; /* the data cache of the first level */
    barrier();
    const uint32_t sets = L1_SETS(CACHE_CCSIDR);
    for (uint32_t set = 0; set < sets; set++) {
        for (uint32_t way = 0; way < L1_WAYS; way++) {
            CACHE_DCISW = set << L1_SET_SHIFT | way << L1_WAY_SHIFT;
        }
    }
    barrier();
    SCB_CCR |= SCB_CCR_DATA_CACHE | SCB_CCR_INSTRUCTION_CACHE;
    barrier();
}

#endif

/* CRC-32/ISO-HDLC, the one of zip and Ethernet. */
#ifndef CORE_CRC_H
#define CORE_CRC_H

#include <stdint.h>

/* The CRC of what came before (0 at the start), and of these bytes after it. */
uint32_t crc32(uint32_t before, const uint8_t *bytes, uint32_t n);

#endif

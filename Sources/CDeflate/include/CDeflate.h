#ifndef CDEFLATE_H
#define CDEFLATE_H

#include <stddef.h>
#include <stdint.h>

/// Goes on with the CRC-32 of what came before (0 at the start).
uint32_t cdeflate_crc32(uint32_t checksum, const void *bytes, size_t count);

#endif

#ifndef CDEFLATE_H
#define CDEFLATE_H

#include <stddef.h>
#include <stdint.h>

/// Goes on with the CRC-32 of what came before (0 at the start).
uint32_t cdeflate_crc32(uint32_t checksum, const void *bytes, size_t count);

/// Compresses at a level from 0 to 12; NULL where there is no memory. For one thread at a time.
typedef struct cdeflate_compressor cdeflate_compressor;
cdeflate_compressor *cdeflate_create_compressor(int level);
void cdeflate_free_compressor(cdeflate_compressor *compressor);
/// Compresses in zlib's format (RFC 1950); returns the size, or 0 where that would be over the capacity.
size_t cdeflate_compress(
    cdeflate_compressor *compressor, const void *bytes, size_t count, void *target, size_t capacity);

#endif

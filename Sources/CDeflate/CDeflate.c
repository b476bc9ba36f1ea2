#include "CDeflate.h"

#include <libdeflate.h>

uint32_t cdeflate_crc32(uint32_t checksum, const void *bytes, size_t count) {
  // With no address libdeflate gives the value to begin with, whatever came before.
  return bytes == NULL ? checksum : libdeflate_crc32(checksum, bytes, count);
}

cdeflate_compressor *cdeflate_create_compressor(int level) {
  return (cdeflate_compressor *)libdeflate_alloc_compressor(level);
}

void cdeflate_free_compressor(cdeflate_compressor *compressor) {
  libdeflate_free_compressor((struct libdeflate_compressor *)compressor);
}

size_t cdeflate_compress(
    cdeflate_compressor *compressor, const void *bytes, size_t count, void *target, size_t capacity) {
  return libdeflate_zlib_compress((struct libdeflate_compressor *)compressor, bytes, count, target, capacity);
}

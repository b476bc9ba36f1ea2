#include "CZlib.h"

#include <zlib.h>

uint32_t czlib_crc32(uint32_t checksum, const void *bytes, size_t count) {
  // With no address zlib gives the value to begin with, whatever came before.
  return bytes == NULL ? checksum : (uint32_t)crc32_z(checksum, bytes, count);
}

#include "CDeflate.h"

#include <libdeflate.h>

uint32_t cdeflate_crc32(uint32_t checksum, const void *bytes, size_t count) {
  // With no address libdeflate gives the value to begin with, whatever came before.
  return bytes == NULL ? checksum : libdeflate_crc32(checksum, bytes, count);
}

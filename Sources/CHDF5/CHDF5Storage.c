// A virtual file driver that passes reading and writing on to two functions: HDF5's "Virtual File Layer" reference.

#include "CHDF5.h"

#include <hdf5.h>
#include <stdlib.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

typedef struct {
  H5FD_t base;
  chdf5_storage storage;
  haddr_t end_of_addresses;
  haddr_t end_of_file;
} storage_file;

static const haddr_t most_addresses = ((haddr_t)1 << 63) - 1;

static H5FD_t *open_storage(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name, (void)flags, (void)most;
  const chdf5_storage *storage = H5Pget_driver_info(access);
  if (!storage) return NULL;
  storage_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->storage = *storage;
  return &file->base;
}

static herr_t close_storage(H5FD_t *file) {
  free(file);
  return 0;
}

static int compare_storages(const H5FD_t *a, const H5FD_t *b) { return a < b ? -1 : a > b; }

static herr_t query_storage(const H5FD_t *file, unsigned long *features) {
  (void)file;
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t get_end_of_addresses(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const storage_file *)file)->end_of_addresses;
}

static herr_t set_end_of_addresses(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  ((storage_file *)file)->end_of_addresses = end;
  return 0;
}

static haddr_t get_end_of_file(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const storage_file *)file)->end_of_file;
}

static herr_t read_storage(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t offset, size_t count, void *bytes) {
  (void)type, (void)transfer;
  storage_file *file = (storage_file *)base;
  return file->storage.read(file->storage.context, offset, bytes, count);
}

static herr_t write_storage(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t offset, size_t count, const void *bytes) {
  (void)type, (void)transfer;
  storage_file *file = (storage_file *)base;
  if (offset + count > file->end_of_file) file->end_of_file = offset + count;
  return file->storage.write(file->storage.context, offset, bytes, count);
}

static herr_t truncate_storage(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer, (void)closing;
  storage_file *file = (storage_file *)base;
  file->end_of_file = file->end_of_addresses;
  return file->storage.truncate(file->storage.context, file->end_of_file);
}

int chdf5_set_storage(chdf5_id access, const chdf5_storage *storage) {
  const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
      .version = H5FD_CLASS_VERSION,
      // Of those that the library leaves to programs.
      .value = (H5FD_class_value_t)511,
#endif
      .name = "storage",
      .maxaddr = most_addresses,
      .fc_degree = H5F_CLOSE_WEAK,
      .fapl_size = sizeof(chdf5_storage),
      .open = open_storage,
      .close = close_storage,
      .cmp = compare_storages,
      .query = query_storage,
      .get_eoa = get_end_of_addresses,
      .set_eoa = set_end_of_addresses,
      .get_eof = get_end_of_file,
      .read = read_storage,
      .write = write_storage,
      .truncate = truncate_storage,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  // Files and property lists hold on to the driver.
  hid_t id = H5FDregister(&driver);
  if (id < 0) return -1;
  int result = H5Pset_driver(access, id, storage);
  H5FDunregister(id);
  return result;
}

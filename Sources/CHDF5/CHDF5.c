#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // fallocate
#endif

#include "CHDF5.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(hid_t) == sizeof(chdf5_id), "ids are 64 bits wide from HDF5 1.10 on");
_Static_assert(sizeof(hsize_t) == sizeof(uint64_t), "sizes are 64 bits wide");

// The library

int chdf5_open_library(void) { return H5open(); }

void chdf5_silence_errors(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

void chdf5_clear_errors(void) { H5Eclear2(H5E_DEFAULT); }

struct innermost {
  char *buffer;
  size_t size;
  bool found;
  int system_error;
};

static herr_t take_error(unsigned n, const H5E_error2_t *error, void *context) {
  struct innermost *innermost = context;
  const char *text = error->desc ? error->desc : "";
  if (n == 0) {
    snprintf(innermost->buffer, innermost->size, "%s", text);
    innermost->found = true;
  }
  const char *number = strstr(text, "errno = ");
  if (number && innermost->system_error == 0) sscanf(number, "errno = %d", &innermost->system_error);
  return 0;
}

bool chdf5_innermost_error(char *buffer, size_t size, int *system_error) {
  struct innermost innermost = {buffer, size, false, 0};
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_error, &innermost);
  *system_error = innermost.system_error;
  return innermost.found;
}

int chdf5_close(chdf5_id id) {
  // Closing a file also flushes it, which dropping the id's count doesn't.
  if (H5Iget_type(id) == H5I_FILE) return H5Fclose(id);
  return H5Idec_ref(id);
}

// Property lists

chdf5_id chdf5_create_properties(CHDF5Properties kind) {
  switch (kind) {
  case CHDF5PropertiesOfFileCreation: return H5Pcreate(H5P_FILE_CREATE);
  case CHDF5PropertiesOfFileAccess: return H5Pcreate(H5P_FILE_ACCESS);
  case CHDF5PropertiesOfDatasetCreation: return H5Pcreate(H5P_DATASET_CREATE);
  case CHDF5PropertiesOfLinkCreation: return H5Pcreate(H5P_LINK_CREATE);
  }
  return -1;
}

int chdf5_set_track_times(chdf5_id properties, bool track) { return H5Pset_obj_track_times(properties, track); }

int chdf5_set_oldest_format(chdf5_id properties) {
  return H5Pset_libver_bounds(properties, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
}

int chdf5_set_alignment(chdf5_id properties, uint64_t threshold, uint64_t alignment) {
  return H5Pset_alignment(properties, threshold, alignment);
}

int chdf5_set_file_locking(chdf5_id properties, bool use) {
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERSION_GE(1, 12, 0) && !H5_VERSION_GE(1, 12, 1))
  return H5Pset_file_locking(properties, use, true);
#else
  (void)properties;
  (void)use;
  return 0;
#endif
}

int chdf5_set_create_intermediate_groups(chdf5_id properties) {
  return H5Pset_create_intermediate_group(properties, 1);
}

int chdf5_set_contiguous_unfilled(chdf5_id properties) {
  if (H5Pset_layout(properties, H5D_CONTIGUOUS) < 0) return -1;
  if (H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) < 0) return -1;
  return H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
}

int chdf5_set_chunked_unfilled(chdf5_id properties, int rank, const uint64_t *chunk_shape) {
  if (H5Pset_chunk(properties, rank, (const hsize_t *)chunk_shape) < 0) return -1;
  if (H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR) < 0) return -1;
  return H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
}

int chdf5_add_shuffle(chdf5_id properties) { return H5Pset_shuffle(properties); }

int chdf5_add_deflate(chdf5_id properties, unsigned level) { return H5Pset_deflate(properties, level); }

// Files

chdf5_id chdf5_open_file(const char *path, chdf5_id access) { return H5Fopen(path, H5F_ACC_RDONLY, access); }

chdf5_id chdf5_create_file(const char *path, chdf5_id creation, chdf5_id access) {
  return H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
}

int chdf5_flush_file(chdf5_id file) { return H5Fflush(file, H5F_SCOPE_GLOBAL); }

int chdf5_reserve_space(int descriptor, uint64_t size) {
  int result;
  do {
    result = fallocate(descriptor, 0, 0, (off_t)size);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

// Objects and links

int chdf5_link_exists(chdf5_id location, const char *name) { return H5Lexists(location, name, H5P_DEFAULT); }

chdf5_id chdf5_open_object(chdf5_id location, const char *name) { return H5Oopen(location, name, H5P_DEFAULT); }

CHDF5Kind chdf5_object_kind(chdf5_id object) {
  switch (H5Iget_type(object)) {
  case H5I_GROUP: return CHDF5KindGroup;
  case H5I_DATASET: return CHDF5KindDataset;
  default: return CHDF5KindOther;
  }
}

int64_t chdf5_object_name(chdf5_id object, char *buffer, size_t size) { return H5Iget_name(object, buffer, size); }

struct visit {
  void *context;
  void (*body)(void *, const char *, CHDF5Kind);
};

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#else
typedef H5O_info_t object_info;
#endif

static herr_t visit_object(hid_t location, const char *name, const object_info *info, void *context) {
  (void)location;
  struct visit *visit = context;
  CHDF5Kind kind = info->type == H5O_TYPE_GROUP     ? CHDF5KindGroup
                   : info->type == H5O_TYPE_DATASET ? CHDF5KindDataset
                                                    : CHDF5KindOther;
  visit->body(visit->context, name, kind);
  return 0;
}

int chdf5_visit(chdf5_id location, void *context, void (*body)(void *, const char *, CHDF5Kind)) {
  struct visit visit = {context, body};
#if H5_VERSION_GE(1, 12, 0)
  return H5Ovisit3(location, H5_INDEX_NAME, H5_ITER_INC, visit_object, &visit, H5O_INFO_BASIC);
#else
  return H5Ovisit2(location, H5_INDEX_NAME, H5_ITER_INC, visit_object, &visit, H5O_INFO_BASIC);
#endif
}

// Dataspaces

chdf5_id chdf5_create_scalar_space(void) { return H5Screate(H5S_SCALAR); }

chdf5_id chdf5_create_simple_space(int rank, const uint64_t *shape) {
  return H5Screate_simple(rank, (const hsize_t *)shape, NULL);
}

CHDF5Extent chdf5_space_extent(chdf5_id space) {
  switch (H5Sget_simple_extent_type(space)) {
  case H5S_SCALAR: return CHDF5ExtentScalar;
  case H5S_SIMPLE: return CHDF5ExtentSimple;
  default: return CHDF5ExtentNull;
  }
}

int chdf5_space_rank(chdf5_id space) { return H5Sget_simple_extent_ndims(space); }

int chdf5_space_shape(chdf5_id space, uint64_t *shape) {
  return H5Sget_simple_extent_dims(space, (hsize_t *)shape, NULL);
}

int chdf5_select_region(chdf5_id space, const uint64_t *origin, const uint64_t *shape) {
  return H5Sselect_hyperslab(space, H5S_SELECT_SET, (const hsize_t *)origin, NULL, (const hsize_t *)shape, NULL);
}

// Datatypes

chdf5_id chdf5_native_type(CHDF5Native native) {
  switch (native) {
  case CHDF5NativeInt8: return H5Tcopy(H5T_NATIVE_INT8);
  case CHDF5NativeInt16: return H5Tcopy(H5T_NATIVE_INT16);
  case CHDF5NativeInt32: return H5Tcopy(H5T_NATIVE_INT32);
  case CHDF5NativeInt64: return H5Tcopy(H5T_NATIVE_INT64);
  case CHDF5NativeUInt8: return H5Tcopy(H5T_NATIVE_UINT8);
  case CHDF5NativeUInt16: return H5Tcopy(H5T_NATIVE_UINT16);
  case CHDF5NativeUInt32: return H5Tcopy(H5T_NATIVE_UINT32);
  case CHDF5NativeUInt64: return H5Tcopy(H5T_NATIVE_UINT64);
  case CHDF5NativeFloat: return H5Tcopy(H5T_NATIVE_FLOAT);
  case CHDF5NativeDouble: return H5Tcopy(H5T_NATIVE_DOUBLE);
  }
  return -1;
}

chdf5_id chdf5_create_enumeration(chdf5_id base) { return H5Tenum_create(base); }

int chdf5_insert_enumeration_member(chdf5_id type, const char *name, const void *value) {
  return H5Tenum_insert(type, name, value);
}

chdf5_id chdf5_create_compound(size_t size) { return H5Tcreate(H5T_COMPOUND, size); }

int chdf5_insert_compound_member(chdf5_id type, const char *name, size_t offset, chdf5_id member) {
  return H5Tinsert(type, name, offset, member);
}

chdf5_id chdf5_create_variable_utf8_string(void) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type < 0) return -1;
  if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
    H5Tclose(type);
    return -1;
  }
  return type;
}

CHDF5Class chdf5_type_class(chdf5_id type) {
  switch (H5Tget_class(type)) {
  case H5T_INTEGER: return CHDF5ClassInteger;
  case H5T_FLOAT: return CHDF5ClassFloat;
  case H5T_TIME: return CHDF5ClassTime;
  case H5T_STRING: return CHDF5ClassString;
  case H5T_BITFIELD: return CHDF5ClassBitfield;
  case H5T_OPAQUE: return CHDF5ClassOpaque;
  case H5T_COMPOUND: return CHDF5ClassCompound;
  case H5T_REFERENCE: return CHDF5ClassReference;
  case H5T_ENUM: return CHDF5ClassEnumeration;
  case H5T_VLEN: return CHDF5ClassVariableLength;
  case H5T_ARRAY: return CHDF5ClassArray;
  default: return CHDF5ClassUnknown;
  }
}

size_t chdf5_type_size(chdf5_id type) { return H5Tget_size(type); }

bool chdf5_type_is_signed(chdf5_id type) { return H5Tget_sign(type) == H5T_SGN_2; }

bool chdf5_types_equal(chdf5_id a, chdf5_id b) { return H5Tequal(a, b) > 0; }

chdf5_id chdf5_type_base(chdf5_id type) { return H5Tget_super(type); }

int chdf5_member_count(chdf5_id type) { return H5Tget_nmembers(type); }

char *chdf5_member_name(chdf5_id type, unsigned index) { return H5Tget_member_name(type, index); }

chdf5_id chdf5_member_type(chdf5_id type, unsigned index) { return H5Tget_member_type(type, index); }

int chdf5_enumeration_value(chdf5_id type, unsigned index, void *value) {
  return H5Tget_member_value(type, index, value);
}

bool chdf5_string_is_variable(chdf5_id type) { return H5Tis_variable_str(type) > 0; }

CHDF5Padding chdf5_string_padding(chdf5_id type) {
  switch (H5Tget_strpad(type)) {
  case H5T_STR_NULLPAD: return CHDF5PaddingNull;
  case H5T_STR_SPACEPAD: return CHDF5PaddingSpace;
  default: return CHDF5PaddingNullTerminated;
  }
}

void chdf5_free(void *memory) { H5free_memory(memory); }

// Datasets

chdf5_id chdf5_create_dataset(
    chdf5_id location, const char *name, chdf5_id type, chdf5_id space, chdf5_id link_creation, chdf5_id creation) {
  return H5Dcreate2(location, name, type, space, link_creation, creation, H5P_DEFAULT);
}

chdf5_id chdf5_dataset_type(chdf5_id dataset) { return H5Dget_type(dataset); }

chdf5_id chdf5_dataset_space(chdf5_id dataset) { return H5Dget_space(dataset); }

chdf5_id chdf5_dataset_creation_properties(chdf5_id dataset) { return H5Dget_create_plist(dataset); }

bool chdf5_dataset_offset(chdf5_id dataset, uint64_t *offset) {
  haddr_t address = H5Dget_offset(dataset);
  if (address == HADDR_UNDEF) return false;
  *offset = address;
  return true;
}

CHDF5Layout chdf5_layout(chdf5_id creation) {
  switch (H5Pget_layout(creation)) {
  case H5D_COMPACT: return CHDF5LayoutCompact;
  case H5D_CONTIGUOUS: return CHDF5LayoutContiguous;
  case H5D_CHUNKED: return CHDF5LayoutChunked;
  case H5D_VIRTUAL: return CHDF5LayoutVirtual;
  default: return CHDF5LayoutUnknown;
  }
}

int chdf5_chunk_shape(chdf5_id creation, int rank, uint64_t *shape) {
  return H5Pget_chunk(creation, rank, (hsize_t *)shape);
}

int chdf5_external_file_count(chdf5_id creation) { return H5Pget_external_count(creation); }

int chdf5_filter_count(chdf5_id creation) { return H5Pget_nfilters(creation); }

int chdf5_filter(chdf5_id creation, unsigned index, char *name, size_t size, int *number, bool *available) {
  unsigned flags = 0, configuration = 0;
  size_t values = 0;
  H5Z_filter_t filter = H5Pget_filter2(creation, index, &flags, &values, NULL, size, name, &configuration);
  if (filter < 0) return -1;
  *number = filter;
  *available = H5Zfilter_avail(filter) > 0;
  return 0;
}

int chdf5_write_chunk(chdf5_id dataset, uint32_t filter_mask, const uint64_t *origin, size_t size, const void *bytes) {
  return H5Dwrite_chunk(dataset, H5P_DEFAULT, filter_mask, (const hsize_t *)origin, size, bytes);
}

int chdf5_read_dataset(
    chdf5_id dataset, chdf5_id memory_type, chdf5_id memory_space, chdf5_id file_space, void *buffer) {
  return H5Dread(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, buffer);
}

// Attributes

int chdf5_attribute_count(chdf5_id object) {
  object_info info;
#if H5_VERSION_GE(1, 12, 0)
  if (H5Oget_info3(object, &info, H5O_INFO_NUM_ATTRS) < 0) return -1;
#else
  if (H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS) < 0) return -1;
#endif
  return (int)info.num_attrs;
}

chdf5_id chdf5_open_attribute(chdf5_id object, unsigned index) {
  return H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, index, H5P_DEFAULT, H5P_DEFAULT);
}

int64_t chdf5_attribute_name(chdf5_id attribute, char *buffer, size_t size) {
  return H5Aget_name(attribute, size, buffer);
}

chdf5_id chdf5_attribute_type(chdf5_id attribute) { return H5Aget_type(attribute); }

chdf5_id chdf5_attribute_space(chdf5_id attribute) { return H5Aget_space(attribute); }

int chdf5_read_attribute(chdf5_id attribute, chdf5_id memory_type, void *buffer) {
  return H5Aread(attribute, memory_type, buffer);
}

int chdf5_reclaim(chdf5_id memory_type, chdf5_id space, void *buffer) {
  return H5Dvlen_reclaim(memory_type, space, H5P_DEFAULT, buffer);
}

chdf5_id chdf5_create_attribute(chdf5_id object, const char *name, chdf5_id type, chdf5_id space) {
  return H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
}

int chdf5_write_attribute(chdf5_id attribute, chdf5_id memory_type, const void *buffer) {
  return H5Awrite(attribute, memory_type, buffer);
}

// Dimension scales

bool chdf5_is_scale(chdf5_id dataset) { return H5DSis_scale(dataset) > 0; }

int chdf5_make_scale(chdf5_id dataset, const char *name) { return H5DSset_scale(dataset, name); }

int chdf5_attach_scale(chdf5_id dataset, chdf5_id scale, unsigned axis) {
  return H5DSattach_scale(dataset, scale, axis);
}

int64_t chdf5_axis_label(chdf5_id dataset, unsigned axis, char *buffer, size_t size) {
  return H5DSget_label(dataset, axis, buffer, size);
}

struct visit_scales {
  void *context;
  void (*body)(void *, chdf5_id);
};

static herr_t visit_scale(hid_t dataset, unsigned axis, hid_t scale, void *context) {
  (void)dataset;
  (void)axis;
  struct visit_scales *visit = context;
  visit->body(visit->context, scale);
  return 0;
}

int chdf5_visit_scales(chdf5_id dataset, unsigned axis, void *context, void (*body)(void *, chdf5_id)) {
  struct visit_scales visit = {context, body};
  return H5DSiterate_scales(dataset, axis, NULL, visit_scale, &visit);
}

// HDF5 as functions: the library's own header is full of macros and stays inside CHDF5.c, so that a module that
// imports this one doesn't have to find it.
//
// No policy here: each function is one call of the library, or the few that one idea takes. Functions that return an
// id or an int give a negative number on failure; chdf5_innermost_error() then says why. Strings are UTF-8. The
// library isn't safe to call from two threads at once: that's the caller's to see to.

#ifndef CHDF5_H
#define CHDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHDF5_ENUM enum __attribute__((enum_extensibility(closed)))

typedef int64_t chdf5_id;

// The library

int chdf5_open_library(void);
// Stops the library from printing its errors, in this thread.
void chdf5_silence_errors(void);
void chdf5_clear_errors(void);
// The description of the error closest to the cause, and the errno that any of the stack's errors mentions (0 where
// none does). False where there is no error.
bool chdf5_innermost_error(char *_Nonnull buffer, size_t size, int *_Nonnull system_error);
// Closes an id of any kind.
int chdf5_close(chdf5_id id);

// Property lists

typedef CHDF5_ENUM {
  CHDF5PropertiesOfFileCreation,
  CHDF5PropertiesOfFileAccess,
  CHDF5PropertiesOfDatasetCreation,
  CHDF5PropertiesOfLinkCreation,
} CHDF5Properties;

chdf5_id chdf5_create_properties(CHDF5Properties kind);
int chdf5_set_track_times(chdf5_id properties, bool track);
// The oldest formats that can hold what is written, none newer than 1.8's.
int chdf5_set_oldest_format(chdf5_id properties);
int chdf5_set_alignment(chdf5_id properties, uint64_t threshold, uint64_t alignment);
// Without effect before 1.10.7, where only HDF5_USE_FILE_LOCKING in the environment decides.
int chdf5_set_file_locking(chdf5_id properties, bool use);
int chdf5_set_create_intermediate_groups(chdf5_id properties);
// Contiguous, allocated at creation, never filled.
int chdf5_set_contiguous_unfilled(chdf5_id properties);
// In chunks of a shape, allocated as they are written, never filled.
int chdf5_set_chunked_unfilled(chdf5_id properties, int rank, const uint64_t *_Nonnull chunk_shape);
// Adds filters, each after those before. What deflate doesn't make smaller may be stored without it.
int chdf5_add_shuffle(chdf5_id properties);
int chdf5_add_deflate(chdf5_id properties, unsigned level);

// Where a file's bytes are, other than in a file. The functions return a negative number on failure. What hasn't been
// written reads as zeros.
typedef struct {
  void *_Nullable context;
  int (*_Nonnull read)(void *_Nullable context, uint64_t offset, void *_Nonnull bytes, size_t count);
  int (*_Nonnull write)(void *_Nullable context, uint64_t offset, const void *_Nonnull bytes, size_t count);
  int (*_Nonnull truncate)(void *_Nullable context, uint64_t end);
} chdf5_storage;

// Has files that are created with these properties of access kept in a storage, empty at first; their names don't matter.
int chdf5_set_storage(chdf5_id access, const chdf5_storage *_Nonnull storage);

// Files

chdf5_id chdf5_open_file(const char *_Nonnull path, chdf5_id access);
chdf5_id chdf5_create_file(const char *_Nonnull path, chdf5_id creation, chdf5_id access);
int chdf5_flush_file(chdf5_id file);
// Takes a file's space on disk without writing to it, by Linux's own call: that of POSIX would write to each page
// where the file system can't do it. 0, or the errno.
int chdf5_reserve_space(int descriptor, uint64_t size);

// Objects and links

typedef CHDF5_ENUM { CHDF5KindGroup, CHDF5KindDataset, CHDF5KindOther } CHDF5Kind;

int chdf5_link_exists(chdf5_id location, const char *_Nonnull name);
chdf5_id chdf5_open_object(chdf5_id location, const char *_Nonnull name);
CHDF5Kind chdf5_object_kind(chdf5_id object);
// The object's path in its file; returns its length, without the terminating zero.
int64_t chdf5_object_name(chdf5_id object, char *_Nullable buffer, size_t size);
// Calls back for each object below the location, once each, in the order of names.
int chdf5_visit(
    chdf5_id location, void *_Nullable context,
    void (*_Nonnull body)(void *_Nullable context, const char *_Nonnull name, CHDF5Kind kind));

// Dataspaces

typedef CHDF5_ENUM { CHDF5ExtentScalar, CHDF5ExtentSimple, CHDF5ExtentNull } CHDF5Extent;

chdf5_id chdf5_create_scalar_space(void);
chdf5_id chdf5_create_simple_space(int rank, const uint64_t *_Nonnull shape);
CHDF5Extent chdf5_space_extent(chdf5_id space);
int chdf5_space_rank(chdf5_id space);
int chdf5_space_shape(chdf5_id space, uint64_t *_Nonnull shape);
int chdf5_select_region(chdf5_id space, const uint64_t *_Nonnull origin, const uint64_t *_Nonnull shape);

// Datatypes

typedef CHDF5_ENUM {
  CHDF5NativeInt8,
  CHDF5NativeInt16,
  CHDF5NativeInt32,
  CHDF5NativeInt64,
  CHDF5NativeUInt8,
  CHDF5NativeUInt16,
  CHDF5NativeUInt32,
  CHDF5NativeUInt64,
  CHDF5NativeFloat,
  CHDF5NativeDouble,
} CHDF5Native;

typedef CHDF5_ENUM {
  CHDF5ClassInteger,
  CHDF5ClassFloat,
  CHDF5ClassTime,
  CHDF5ClassString,
  CHDF5ClassBitfield,
  CHDF5ClassOpaque,
  CHDF5ClassCompound,
  CHDF5ClassReference,
  CHDF5ClassEnumeration,
  CHDF5ClassVariableLength,
  CHDF5ClassArray,
  CHDF5ClassUnknown,
} CHDF5Class;

typedef CHDF5_ENUM { CHDF5PaddingNullTerminated, CHDF5PaddingNull, CHDF5PaddingSpace } CHDF5Padding;

// A type that the caller closes.
chdf5_id chdf5_native_type(CHDF5Native native);
chdf5_id chdf5_create_enumeration(chdf5_id base);
int chdf5_insert_enumeration_member(chdf5_id type, const char *_Nonnull name, const void *_Nonnull value);
chdf5_id chdf5_create_compound(size_t size);
int chdf5_insert_compound_member(chdf5_id type, const char *_Nonnull name, size_t offset, chdf5_id member);
chdf5_id chdf5_create_variable_utf8_string(void);

CHDF5Class chdf5_type_class(chdf5_id type);
size_t chdf5_type_size(chdf5_id type);
bool chdf5_type_is_signed(chdf5_id type);
bool chdf5_types_equal(chdf5_id a, chdf5_id b);
// The base type of an enumeration.
chdf5_id chdf5_type_base(chdf5_id type);
int chdf5_member_count(chdf5_id type);
// The member's name; to be freed with chdf5_free().
char *_Nullable chdf5_member_name(chdf5_id type, unsigned index);
chdf5_id chdf5_member_type(chdf5_id type, unsigned index);
int chdf5_enumeration_value(chdf5_id type, unsigned index, void *_Nonnull value);
bool chdf5_string_is_variable(chdf5_id type);
CHDF5Padding chdf5_string_padding(chdf5_id type);
void chdf5_free(void *_Nullable memory);

// Datasets

typedef CHDF5_ENUM {
  CHDF5LayoutCompact,
  CHDF5LayoutContiguous,
  CHDF5LayoutChunked,
  CHDF5LayoutVirtual,
  CHDF5LayoutUnknown,
} CHDF5Layout;

chdf5_id chdf5_create_dataset(
    chdf5_id location, const char *_Nonnull name, chdf5_id type, chdf5_id space, chdf5_id link_creation,
    chdf5_id creation);
chdf5_id chdf5_dataset_type(chdf5_id dataset);
chdf5_id chdf5_dataset_space(chdf5_id dataset);
chdf5_id chdf5_dataset_creation_properties(chdf5_id dataset);
// Where a contiguous dataset starts in its file, user block included; false where it has no place of its own.
bool chdf5_dataset_offset(chdf5_id dataset, uint64_t *_Nonnull offset);
CHDF5Layout chdf5_layout(chdf5_id creation);
int chdf5_chunk_shape(chdf5_id creation, int rank, uint64_t *_Nonnull shape);
int chdf5_external_file_count(chdf5_id creation);
int chdf5_filter_count(chdf5_id creation);
// The number of a filter of the pipeline, its name as the file has it, and whether the library can run it.
int chdf5_filter(
    chdf5_id creation, unsigned index, char *_Nonnull name, size_t size, int *_Nonnull number, bool *_Nonnull available);
// Stores a chunk as it is, past the filters. Bit i of the mask says that filter i wasn't applied.
int chdf5_write_chunk(
    chdf5_id dataset, uint32_t filter_mask, const uint64_t *_Nonnull origin, size_t size, const void *_Nonnull bytes);
int chdf5_read_dataset(
    chdf5_id dataset, chdf5_id memory_type, chdf5_id memory_space, chdf5_id file_space, void *_Nonnull buffer);

// Attributes

int chdf5_attribute_count(chdf5_id object);
// In the order of names.
chdf5_id chdf5_open_attribute(chdf5_id object, unsigned index);
int64_t chdf5_attribute_name(chdf5_id attribute, char *_Nullable buffer, size_t size);
chdf5_id chdf5_attribute_type(chdf5_id attribute);
chdf5_id chdf5_attribute_space(chdf5_id attribute);
int chdf5_read_attribute(chdf5_id attribute, chdf5_id memory_type, void *_Nonnull buffer);
// Frees what reading elements of variable length put into the buffer.
int chdf5_reclaim(chdf5_id memory_type, chdf5_id space, void *_Nonnull buffer);
chdf5_id chdf5_create_attribute(chdf5_id object, const char *_Nonnull name, chdf5_id type, chdf5_id space);
int chdf5_write_attribute(chdf5_id attribute, chdf5_id memory_type, const void *_Nonnull buffer);

// Dimension scales

bool chdf5_is_scale(chdf5_id dataset);
int chdf5_make_scale(chdf5_id dataset, const char *_Nonnull name);
int chdf5_attach_scale(chdf5_id dataset, chdf5_id scale, unsigned axis);
// The label of an axis; returns its length, 0 where it has none.
int64_t chdf5_axis_label(chdf5_id dataset, unsigned axis, char *_Nullable buffer, size_t size);
// Calls back for each scale of an axis; the id is the library's, and valid in the call only.
int chdf5_visit_scales(
    chdf5_id dataset, unsigned axis, void *_Nullable context,
    void (*_Nonnull body)(void *_Nullable context, chdf5_id scale));

#endif

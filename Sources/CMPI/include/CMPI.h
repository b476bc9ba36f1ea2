#ifndef CMPI_H
#define CMPI_H

#include <stdint.h>

// MPI as plain functions: its handles are macros and of different types in Open MPI and MPICH, so they cross here as
// 64-bit values. Every function returns MPI's error code, 0 for success.

typedef int64_t cmpi_comm;
typedef int64_t cmpi_request;

typedef struct {
  int source;
  int tag;
  int byte_count;
} cmpi_status;

/// What MPI lets threads do; each level includes those before it. MPI's own numbers for them are macros.
typedef enum { CMPI_SINGLE = 0, CMPI_FUNNELED = 1, CMPI_SERIALIZED = 2, CMPI_MULTIPLE = 3 } cmpi_thread_level;

int cmpi_init(cmpi_thread_level required, cmpi_thread_level *provided);
int cmpi_query_thread(cmpi_thread_level *provided);
int cmpi_finalize(void);
int cmpi_is_initialized(int *flag);
int cmpi_is_finalized(int *flag);
int cmpi_abort(cmpi_comm comm, int code);
int cmpi_error_string(int code, char *text, int capacity);

int cmpi_comm_world(cmpi_comm *comm);
int cmpi_comm_dup(cmpi_comm comm, cmpi_comm *copy);
int cmpi_comm_split_shared(cmpi_comm comm, cmpi_comm *node);
int cmpi_comm_free(cmpi_comm *comm);
int cmpi_comm_size(cmpi_comm comm, int *size);
int cmpi_comm_rank(cmpi_comm comm, int *rank);
/// Makes the calls on `comm` return their errors.
int cmpi_comm_return_errors(cmpi_comm comm);

int cmpi_isend(const void *bytes, int count, int destination, int tag, cmpi_comm comm, cmpi_request *request);
/// Is complete when the message is being received.
int cmpi_issend(const void *bytes, int count, int destination, int tag, cmpi_comm comm, cmpi_request *request);
int cmpi_irecv(void *bytes, int count, int source, int tag, cmpi_comm comm, cmpi_request *request);
int cmpi_recv(void *bytes, int count, int source, int tag, cmpi_comm comm);
/// Looks for a message with `tag` from any source.
int cmpi_iprobe_any_source(int tag, cmpi_comm comm, int *flag, cmpi_status *status);
int cmpi_test(cmpi_request *request, int *flag);
int cmpi_ibcast(void *bytes, int count, int root, cmpi_comm comm, cmpi_request *request);
int cmpi_ibarrier(cmpi_comm comm, cmpi_request *request);
int cmpi_bcast(void *bytes, int count, int root, cmpi_comm comm);
int cmpi_allgather(const void *bytes, int count, void *all, cmpi_comm comm);
int cmpi_iallgather(const void *bytes, int count, void *all, cmpi_comm comm, cmpi_request *request);

#endif

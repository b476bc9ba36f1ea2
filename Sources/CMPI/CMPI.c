#include "CMPI.h"

#include <mpi.h>
#include <string.h>

// MPI_Comm and MPI_Request are pointers in Open MPI and ints in MPICH: both fit 64 bits, through intptr_t.
#define COMM(value) ((MPI_Comm)(intptr_t)(value))
#define REQUEST(value) ((MPI_Request)(intptr_t)(value))

static const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE};

static cmpi_thread_level level_of(int mpi) {
  for (int level = CMPI_MULTIPLE; level > CMPI_SINGLE; level--)
    if (levels[level] == mpi) return (cmpi_thread_level)level;
  return CMPI_SINGLE;
}

int cmpi_init(cmpi_thread_level required, cmpi_thread_level *provided) {
  int made = MPI_THREAD_SINGLE;
  int status = MPI_Init_thread(NULL, NULL, levels[required], &made);
  *provided = level_of(made);
  return status;
}

int cmpi_query_thread(cmpi_thread_level *provided) {
  int made = MPI_THREAD_SINGLE;
  int status = MPI_Query_thread(&made);
  *provided = level_of(made);
  return status;
}

int cmpi_finalize(void) { return MPI_Finalize(); }
int cmpi_is_initialized(int *flag) { return MPI_Initialized(flag); }
int cmpi_is_finalized(int *flag) { return MPI_Finalized(flag); }
int cmpi_abort(cmpi_comm comm, int code) { return MPI_Abort(COMM(comm), code); }

int cmpi_error_string(int code, char *text, int capacity) {
  char full[MPI_MAX_ERROR_STRING];
  int length = 0;
  int status = MPI_Error_string(code, full, &length);
  if (status == MPI_SUCCESS && capacity > 0) {
    strncpy(text, full, (size_t)capacity - 1);
    text[capacity - 1] = 0;
  }
  return status;
}

int cmpi_comm_world(cmpi_comm *comm) {
  *comm = (cmpi_comm)(intptr_t)MPI_COMM_WORLD;
  return MPI_SUCCESS;
}

int cmpi_comm_dup(cmpi_comm comm, cmpi_comm *copy) {
  MPI_Comm made;
  int status = MPI_Comm_dup(COMM(comm), &made);
  *copy = (cmpi_comm)(intptr_t)made;
  return status;
}

int cmpi_comm_split_shared(cmpi_comm comm, cmpi_comm *node) {
  MPI_Comm made;
  int status = MPI_Comm_split_type(COMM(comm), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &made);
  *node = (cmpi_comm)(intptr_t)made;
  return status;
}

int cmpi_comm_free(cmpi_comm *comm) {
  MPI_Comm freed = COMM(*comm);
  int status = MPI_Comm_free(&freed);
  *comm = (cmpi_comm)(intptr_t)freed;
  return status;
}

int cmpi_comm_size(cmpi_comm comm, int *size) { return MPI_Comm_size(COMM(comm), size); }
int cmpi_comm_rank(cmpi_comm comm, int *rank) { return MPI_Comm_rank(COMM(comm), rank); }
int cmpi_comm_return_errors(cmpi_comm comm) { return MPI_Comm_set_errhandler(COMM(comm), MPI_ERRORS_RETURN); }

int cmpi_isend(const void *bytes, int count, int destination, int tag, cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Isend(bytes, count, MPI_BYTE, destination, tag, COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

int cmpi_issend(const void *bytes, int count, int destination, int tag, cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Issend(bytes, count, MPI_BYTE, destination, tag, COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

int cmpi_irecv(void *bytes, int count, int source, int tag, cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Irecv(bytes, count, MPI_BYTE, source, tag, COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

int cmpi_recv(void *bytes, int count, int source, int tag, cmpi_comm comm) {
  return MPI_Recv(bytes, count, MPI_BYTE, source, tag, COMM(comm), MPI_STATUS_IGNORE);
}

int cmpi_iprobe_any_source(int tag, cmpi_comm comm, int *flag, cmpi_status *status) {
  MPI_Status found;
  int result = MPI_Iprobe(MPI_ANY_SOURCE, tag, COMM(comm), flag, &found);
  if (result == MPI_SUCCESS && *flag) {
    status->source = found.MPI_SOURCE;
    status->tag = found.MPI_TAG;
    result = MPI_Get_count(&found, MPI_BYTE, &status->byte_count);
  }
  return result;
}

int cmpi_test(cmpi_request *request, int *flag) {
  MPI_Request tested = REQUEST(*request);
  int status = MPI_Test(&tested, flag, MPI_STATUS_IGNORE);
  *request = (cmpi_request)(intptr_t)tested;
  return status;
}

int cmpi_ibcast(void *bytes, int count, int root, cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Ibcast(bytes, count, MPI_BYTE, root, COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

int cmpi_ibarrier(cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Ibarrier(COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

int cmpi_bcast(void *bytes, int count, int root, cmpi_comm comm) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, COMM(comm));
}

int cmpi_allgather(const void *bytes, int count, void *all, cmpi_comm comm) {
  return MPI_Allgather(bytes, count, MPI_BYTE, all, count, MPI_BYTE, COMM(comm));
}

int cmpi_iallgather(const void *bytes, int count, void *all, cmpi_comm comm, cmpi_request *request) {
  MPI_Request made;
  int status = MPI_Iallgather(bytes, count, MPI_BYTE, all, count, MPI_BYTE, COMM(comm), &made);
  *request = (cmpi_request)(intptr_t)made;
  return status;
}

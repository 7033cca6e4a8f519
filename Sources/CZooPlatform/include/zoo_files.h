// Whole files as read-only memory.
#ifndef ZOO_FILES_H
#define ZOO_FILES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum zoo_platform_file_status {
  ZOO_PLATFORM_FILE_OK = 0,
  ZOO_PLATFORM_FILE_NOT_FOUND,   // no such file, or a part of the path is no directory
  ZOO_PLATFORM_FILE_DENIED,      // permissions forbid reading it
  ZOO_PLATFORM_FILE_DIRECTORY,   // the path names a directory
  ZOO_PLATFORM_FILE_NOT_REGULAR, // a pipe, device or socket, which have no size to map
  ZOO_PLATFORM_FILE_EMPTY,
  ZOO_PLATFORM_FILE_TOO_LARGE, // does not fit this process's address space
  ZOO_PLATFORM_FILE_FAILED,    // anything else: an input/output error, no descriptors left
} zoo_platform_file_status;

// Maps the file at `path` privately and read-only. *bytes starts at a page and must be given back
// to zoo_platform_file_unmap with the same *size. On failure both outputs are zero.
//
// Pages are read when they are touched. Whoever shortens the file in place while it is mapped makes
// the process that touches the lost pages fail with SIGBUS; replace model files by renaming a new
// one over the old.
zoo_platform_file_status zoo_platform_file_map(const char *path, const void **bytes, size_t *size);

// Gives a mapping back. NULL is welcome.
void zoo_platform_file_unmap(const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif

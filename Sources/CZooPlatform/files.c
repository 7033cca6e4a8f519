// Whole files as read-only memory, with mmap.
#include "zoo_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static zoo_platform_file_status status_of(int error) {
  switch (error) {
  case ENOENT:
  case ENOTDIR:
  case ENAMETOOLONG: // so no file has that name
    return ZOO_PLATFORM_FILE_NOT_FOUND;
  case EACCES:
  case EPERM:
    return ZOO_PLATFORM_FILE_DENIED;
  case ENOMEM:
  case EFBIG:
  case EOVERFLOW:
    return ZOO_PLATFORM_FILE_TOO_LARGE;
  default:
    return ZOO_PLATFORM_FILE_FAILED;
  }
}

static zoo_platform_file_status map_descriptor(int descriptor, const void **bytes, size_t *size) {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return status_of(errno);
  if (S_ISDIR(info.st_mode))
    return ZOO_PLATFORM_FILE_DIRECTORY;
  if (!S_ISREG(info.st_mode))
    return ZOO_PLATFORM_FILE_NOT_REGULAR;
  if (info.st_size <= 0)
    return ZOO_PLATFORM_FILE_EMPTY;
  if ((uintmax_t)info.st_size > PTRDIFF_MAX)
    return ZOO_PLATFORM_FILE_TOO_LARGE;
  void *memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED)
    return status_of(errno);
  *bytes = memory;
  *size = (size_t)info.st_size;
  return ZOO_PLATFORM_FILE_OK;
}

zoo_platform_file_status zoo_platform_file_map(const char *path, const void **bytes, size_t *size) {
  *bytes = NULL;
  *size = 0;
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang. It means nothing for regular
  // files.
  int descriptor;
  do
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0)
    return status_of(errno);
  zoo_platform_file_status status = map_descriptor(descriptor, bytes, size);
  close(descriptor); // the mapping stays
  return status;
}

void zoo_platform_file_unmap(const void *bytes, size_t size) {
  if (bytes)
    munmap((void *)(uintptr_t)bytes, size);
}

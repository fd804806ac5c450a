// Handles that open memory of another process.

#include "handles.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace simulated {
namespace {

constexpr uint64_t magic = 0x5349'4d47'5055'0001;

struct Handle {
  uint64_t magic;
  uint64_t num_bytes;
  int32_t pid;
  int32_t fd;
  int32_t device;
};
static_assert(sizeof(Handle) <= CU_IPC_HANDLE_SIZE);

}  // namespace

void write_handle(void *out, int fd, size_t num_bytes, int device) {
  const Handle handle{magic, num_bytes, getpid(), fd, device};
  std::memset(out, 0, CU_IPC_HANDLE_SIZE);
  std::memcpy(out, &handle, sizeof handle);
}

CUresult open_handle(const void *from, void **memory, size_t *num_bytes, int *device) {
  Handle handle;
  std::memcpy(&handle, from, sizeof handle);
  if (handle.magic != magic) return CUDA_ERROR_INVALID_VALUE;
  if (handle.pid == getpid()) return CUDA_ERROR_INVALID_CONTEXT;  // the exporter itself
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/fd/%d", handle.pid, handle.fd);
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return CUDA_ERROR_INVALID_HANDLE;
  *memory = mmap(nullptr, handle.num_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (*memory == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  if (num_bytes) *num_bytes = handle.num_bytes;
  if (device) *device = handle.device;
  return CUDA_SUCCESS;
}

}  // namespace simulated

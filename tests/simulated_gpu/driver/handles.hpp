// Handles that open memory of another process: the place of a file descriptor there.
#pragma once

#include <cuda.h>

#include <cstddef>

namespace simulated {

// Fills the 64 bytes of a handle.
void write_handle(void *handle, int fd, size_t num_bytes, int device);

// Maps what a handle names. The descriptor stays open where `fd` is given.
CUresult open_handle(const void *handle, void **memory, size_t *num_bytes, int *device);

}  // namespace simulated

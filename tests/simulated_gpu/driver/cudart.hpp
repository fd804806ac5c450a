// What the files of the simulated runtime have in common.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

namespace runtime {

// Keep an error for cudaGetLastError, and return it.
cudaError_t keep(cudaError_t error);
cudaError_t result(CUresult status);

// Binds the thread to a context at its first call, as the runtime does.
cudaError_t begin();

}  // namespace runtime

#define BEGIN                                       \
  do {                                              \
    const cudaError_t error_ = runtime::begin();    \
    if (error_ != cudaSuccess) return error_;       \
  } while (false)

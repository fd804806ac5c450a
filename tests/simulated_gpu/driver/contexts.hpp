// Devices and contexts: which GPU a thread works on.
#pragma once

#include <cuda.h>

#include "streams.hpp"

namespace simulated {

// Returns the GPU of the thread's current context, or -1 where it has none.
int current_device();

// Makes the primary context of a GPU the thread's current one, as the runtime does.
CUresult use_primary(int device);

// Returns the default stream of a GPU's primary context.
CUstream_st *default_stream(int device);

}  // namespace simulated

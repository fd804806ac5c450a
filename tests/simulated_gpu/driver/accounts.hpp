// How much memory of each GPU every process has.
#pragma once

#include <cstddef>

namespace simulated {

constexpr int max_devices = 8;

// Adds to what this process has of a GPU.
void charge(int device, long long num_bytes);

// Returns what all processes that live have of a GPU.
size_t used_bytes(int device);

}  // namespace simulated

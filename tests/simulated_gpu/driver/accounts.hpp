// What every process has of the GPUs: memory, and sessions of their encoders.
#pragma once

#include <cstddef>

namespace simulated {

constexpr int max_devices = 8;

// Adds to what this process has of a GPU.
void charge(int device, long long num_bytes);

// Returns what all processes that live have of a GPU.
size_t used_bytes(int device);

// Counts the sessions of encoders that this process has opened, and those of all processes.
void add_encoder(int num);
int count_encoders();

}  // namespace simulated

// What the simulated driver's library gives to the libraries beside it.
//
// Device memory is host memory that other processes can map, and every stream is a queue with
// a thread of its own that works late: what nobody waited for has not happened yet. So a
// program that forgets to order two streams, or reads memory that is given back, fails.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <functional>

namespace simulated {

// Queues work behind all that the stream has to do, or adds it to the graph that is captured
// there. Work that copies is delayed.
[[nodiscard]] CUresult queue(CUstream stream, std::function<void()> work, bool is_delayed = true);

// Says whether work for the stream is recorded in place of being done.
bool is_captured(CUstream stream);

// Blocks until the stream has done all that is queued now; refused by no capture.
void drain(CUstream stream);

// Queues a copy as the CUDA documentation's "API synchronization behavior" orders it.
CUresult copy(void *to, const void *from, size_t num_bytes, CUstream stream, bool is_async);

enum class Kind { pageable, pinned, device };

// Says what kind of memory an address lies in.
Kind kind_of(const void *address);

// Returns the GPU that an address lies on, or -1.
int device_of(const void *address);

// Returns memory that copies by the GPU need not stage, and forgets it again.
void *pin(size_t num_bytes);
void unpin(void *address);
void register_pinned(void *address, size_t num_bytes);

// Appends a line to the file that SIMULATED_GPU_LOG names, if any.
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

int count_devices();
size_t total_bytes();
size_t used_bytes(int device);  // by all processes that live

}  // namespace simulated

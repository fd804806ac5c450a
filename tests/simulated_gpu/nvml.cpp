// NVIDIA's management library: how many simulated GPUs there are and what is free of them.

#include "driver.hpp"

#include <cstdint>
#include <cstdio>

namespace {

struct Memory {
  unsigned long long total, free, used;
};

int device_of_handle(void *handle) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(handle)) - 1;
}

}  // namespace

extern "C" {

int nvmlInit_v2() { return 0; }
int nvmlInit() { return 0; }
int nvmlShutdown() { return 0; }

int nvmlDeviceGetCount_v2(unsigned *out) {
  *out = static_cast<unsigned>(simulated::count_devices());
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
  *out = reinterpret_cast<void *>(static_cast<uintptr_t>(index) + 1);
  return static_cast<int>(index) < simulated::count_devices() ? 0 : 2;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *out) {
  out->total = simulated::total_bytes();
  out->used = simulated::used_bytes(device_of_handle(handle));
  out->free = out->total - out->used;
  return 0;
}

int nvmlSystemGetDriverVersion(char *out, unsigned length) {
  std::snprintf(out, length, "580.00.00");
  return 0;
}

}  // extern "C"

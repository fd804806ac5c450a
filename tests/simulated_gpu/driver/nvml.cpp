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

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **out) {
  unsigned index = 0;  // as the runtime writes it: domain, bus, device
  return std::sscanf(bus, "%*x:%x:", &index) == 1 ? nvmlDeviceGetHandleByIndex_v2(index, out) : 2;
}

int nvmlSystemGetDriverVersion(char *out, unsigned length) {
  std::snprintf(out, length, "580.00.00");
  return 0;
}

int nvmlSystemGetCudaDriverVersion_v2(int *out) {
  *out = 13000;
  return 0;
}

int nvmlDeviceGetComputeRunningProcesses(void *, unsigned *num, void *) {
  *num = 0;
  return 0;
}

// What torch looks up for the message of an error, and can do without: not supported.
int nvmlDeviceGetGpuFabricInfoV() { return 3; }
int nvmlDeviceGetNvLinkRemoteDeviceType() { return 3; }
int nvmlDeviceGetNvLinkRemotePciInfo_v2() { return 3; }

}  // extern "C"

// Devices and contexts of the simulated driver, and what it says of itself.

#include "contexts.hpp"

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "accounts.hpp"
#include "driver.hpp"

struct CUctx_st {
  int device;
  bool is_primary;
};

namespace {

constexpr long long context_bytes = 300LL << 20;
constexpr int driver_version = 13000;

struct Device {
  CUctx_st primary;
  CUstream_st *usual;
  int num_retained = 0;
  std::mutex mutex;
};

thread_local std::vector<CUcontext> current;
bool is_initialised = false;

Device &device(int index) {
  static Device *const all = [] {
    auto *devices = new Device[simulated::max_devices];
    for (int n = 0; n < simulated::max_devices; ++n) {
      devices[n].primary = {n, true};
      devices[n].usual = new CUstream_st(n, true);
    }
    return devices;
  }();
  return all[index];
}

bool is_device(int index) { return 0 <= index && index < simulated::count_devices(); }

int attribute(CUdevice_attribute which) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return 9;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return 132;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: return 1;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE: return 32;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR: return 2048;
    default: return 0;
  }
}

}  // namespace

namespace simulated {

int count_devices() {
  const char *text = std::getenv("SIMULATED_GPU_COUNT");
  const char *visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible && (*visible == '\0' || *visible == '-')) return 0;
  return text ? std::atoi(text) : 1;
}

size_t total_bytes() {
  const char *text = std::getenv("SIMULATED_GPU_MIB");
  return (text ? std::strtoull(text, nullptr, 10) : 8192) << 20;
}

int current_device() { return current.empty() ? -1 : current.back()->device; }

CUstream_st *default_stream(int index) { return device(index < 0 ? 0 : index).usual; }

CUresult use_primary(int index) {
  if (!is_device(index)) return CUDA_ERROR_INVALID_DEVICE;
  Device &found = device(index);
  {
    std::lock_guard lock(found.mutex);
    if (found.num_retained++ == 0) charge(index, context_bytes);
  }
  return cuCtxSetCurrent(&found.primary);
}

void note(const char *format, ...) {
  static FILE *const log = [] {
    const char *path = std::getenv("SIMULATED_GPU_LOG");
    return path ? std::fopen(path, "ae") : nullptr;
  }();
  if (!log) return;
  char line[256];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  std::fprintf(log, "%d %s\n", getpid(), line);
  std::fflush(log);
}

}  // namespace simulated

extern "C" {

CUresult cuInit(unsigned) {
  is_initialised = true;
  return simulated::count_devices() > 0 ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *out) {
  *out = driver_version;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *out) {
  *out = simulated::count_devices();
  return is_initialised ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult cuDeviceGet(CUdevice *out, int ordinal) {
  if (!is_initialised) return CUDA_ERROR_NOT_INITIALIZED;
  if (!is_device(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
  *out = ordinal;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *out, int length, CUdevice) {
  std::snprintf(out, length, "Simulated GPU");
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *out, CUdevice index) {
  std::memset(out, index, sizeof *out);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *out, CUdevice_attribute which, CUdevice) {
  *out = attribute(which);
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *out, CUdevice) {
  *out = simulated::total_bytes();
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice index) {
  if (!is_device(index)) return CUDA_ERROR_INVALID_DEVICE;
  Device &found = device(index);
  std::lock_guard lock(found.mutex);
  if (found.num_retained++ == 0) simulated::charge(index, context_bytes);
  *out = &found.primary;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice) { return CUDA_SUCCESS; }

CUresult cuDevicePrimaryCtxSetFlags(CUdevice, unsigned) { return CUDA_SUCCESS; }

CUresult cuDevicePrimaryCtxGetState(CUdevice index, unsigned *flags, int *is_active) {
  *flags = 0;
  *is_active = device(index).num_retained > 0;
  return CUDA_SUCCESS;
}

// PyNvVideoCodec was built with the second version of this call, whose parameters are these.
#undef cuCtxCreate
CUresult cuCtxCreate_v2(CUcontext *out, unsigned, CUdevice index) {
  if (!is_device(index)) return CUDA_ERROR_INVALID_DEVICE;
  simulated::charge(index, context_bytes);
  *out = new CUctx_st{index, false};
  current.push_back(*out);
  return CUDA_SUCCESS;
}

CUresult cuCtxDestroy(CUcontext context) {
  if (context->is_primary) return CUDA_ERROR_INVALID_CONTEXT;
  if (!current.empty() && current.back() == context) current.pop_back();
  simulated::charge(context->device, -context_bytes);
  return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent(CUcontext context) {
  current.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *out) {
  if (current.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (out) *out = current.back();
  current.pop_back();
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  if (!current.empty()) current.pop_back();
  if (context) current.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *out) {
  *out = current.empty() ? nullptr : current.back();
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *out) {
  if (current.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  *out = current.back()->device;
  return CUDA_SUCCESS;
}

// Says whether the thread works in a context that CUDA's runtime, and so torch, does not share.
int simulated_is_in_another_context() { return !current.empty() && !current.back()->is_primary; }

CUresult cuCtxSynchronize() {
  const CUresult status = simulated::check_device(simulated::current_device());
  if (status != CUDA_SUCCESS) return status;
  simulated::drain_device(simulated::current_device());
  return CUDA_SUCCESS;
}

#define NAME(code) \
  case code: *out = #code; break
CUresult cuGetErrorName(CUresult status, const char **out) {
  switch (status) {
    NAME(CUDA_SUCCESS);
    NAME(CUDA_ERROR_INVALID_VALUE);
    NAME(CUDA_ERROR_OUT_OF_MEMORY);
    NAME(CUDA_ERROR_NOT_INITIALIZED);
    NAME(CUDA_ERROR_NO_DEVICE);
    NAME(CUDA_ERROR_INVALID_DEVICE);
    NAME(CUDA_ERROR_INVALID_CONTEXT);
    NAME(CUDA_ERROR_INVALID_HANDLE);
    NAME(CUDA_ERROR_ILLEGAL_STATE);
    NAME(CUDA_ERROR_NOT_SUPPORTED);
    NAME(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    NAME(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    NAME(CUDA_ERROR_STREAM_CAPTURE_MERGE);
    NAME(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    NAME(CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    NAME(CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    NAME(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    NAME(CUDA_ERROR_CAPTURED_EVENT);
    NAME(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
    default: *out = "CUDA_ERROR_UNKNOWN"; break;
  }
  return CUDA_SUCCESS;
}
#undef NAME

CUresult cuGetErrorString(CUresult status, const char **out) { return cuGetErrorName(status, out); }

}  // extern "C"

// The CUDA runtime that torch links with, as thin calls of the simulated driver.
//
// Kernels do not run: torch computes on tensors of a simulated GPU with the CPU's code, by
// `computing.cpp`. What is not here is an error that names the call.

#include "cudart.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "capture.hpp"
#include "contexts.hpp"
#include "driver.hpp"

#undef cudaGetDeviceProperties
#undef cudaGetDriverEntryPointByVersion

namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int chosen_device = 0;

CUresult refuse() { return CUDA_ERROR_NOT_SUPPORTED; }

CUdeviceptr address(const void *memory) { return reinterpret_cast<CUdeviceptr>(memory); }

}  // namespace

namespace runtime {

cudaError_t keep(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t result(CUresult status) { return keep(static_cast<cudaError_t>(status)); }

cudaError_t begin() {
  CUcontext context = nullptr;
  cuInit(0);
  if (simulated::count_devices() == 0) return keep(cudaErrorNoDevice);
  cuCtxGetCurrent(&context);
  return context ? cudaSuccess : result(simulated::use_primary(chosen_device));
}

}  // namespace runtime

using runtime::keep;
using runtime::result;

extern "C" {

// Devices.

cudaError_t cudaGetDeviceCount(int *out) {
  *out = simulated::count_devices();
  return *out ? cudaSuccess : keep(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int index) {
  cuInit(0);
  const cudaError_t error = result(simulated::use_primary(index));
  if (error == cudaSuccess) chosen_device = index;
  return error;
}

cudaError_t cudaGetDevice(int *out) {
  const int device = simulated::current_device();
  *out = device < 0 ? chosen_device : device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  BEGIN;
  simulated::note("device_synchronize");
  return result(cuCtxSynchronize());
}

cudaError_t cudaDeviceCanAccessPeer(int *out, int one, int other) {
  *out = one != other;
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) { return cudaSuccess; }

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  if (least) *least = 0;
  if (greatest) *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *out, cudaDeviceAttr which, int device) {
  return result(cuDeviceGetAttribute(out, static_cast<CUdevice_attribute>(which), device));
}

cudaError_t cudaDeviceGetPCIBusId(char *out, int length, int device) {
  std::snprintf(out, length, "0000:%02x:00.0", device);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device) {
  if (device < 0 || device >= simulated::count_devices()) return keep(cudaErrorInvalidDevice);
  *out = {};
  cuDeviceGetName(out->name, sizeof out->name, device);
  out->totalGlobalMem = simulated::total_bytes();
  out->major = 9;
  out->multiProcessorCount = 132;
  out->warpSize = 32;
  out->maxThreadsPerBlock = 1024;
  out->maxThreadsPerMultiProcessor = 2048;
  out->maxGridSize[0] = 2147483647;
  out->maxGridSize[1] = out->maxGridSize[2] = 65535;
  out->maxThreadsDim[0] = out->maxThreadsDim[1] = 1024;
  out->maxThreadsDim[2] = 64;
  out->regsPerBlock = out->regsPerMultiprocessor = 65536;
  out->sharedMemPerBlock = 48 << 10;
  out->sharedMemPerMultiprocessor = 228 << 10;
  out->sharedMemPerBlockOptin = 227 << 10;
  out->l2CacheSize = 50 << 20;
  out->unifiedAddressing = 1;
  out->textureAlignment = 512;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *out) { return result(cuDriverGetVersion(out)); }

cudaError_t cudaRuntimeGetVersion(int *out) {
  *out = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **out, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult *status) {
  *out = nullptr;
  for (const char *ending : {"_v3", "_v2", ""})
    if (!*out) *out = dlsym(RTLD_DEFAULT, (std::string(name) + ending).c_str());
  if (!*out) *out = reinterpret_cast<void *>(refuse);  // torch wants to find more than it calls
  if (status) *status = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

// Errors.

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaPeekAtLastError() { return last_error; }

const char *cudaGetErrorName(cudaError_t error) {
  const char *name = nullptr;
  cuGetErrorName(static_cast<CUresult>(error), &name);
  return name;
}

const char *cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }

// Memory.

cudaError_t cudaMalloc(void **out, size_t num_bytes) {
  BEGIN;
  *out = nullptr;
  if (num_bytes == 0) return cudaSuccess;
  return result(cuMemAlloc(reinterpret_cast<CUdeviceptr *>(out), num_bytes));
}

cudaError_t cudaFree(void *memory) {
  BEGIN;
  return result(cuMemFree(address(memory)));
}

cudaError_t cudaHostAlloc(void **out, size_t num_bytes, unsigned) {
  BEGIN;
  if (const CUresult status = simulated::check_unsafe()) return result(status);
  *out = simulated::pin(num_bytes);
  return *out ? cudaSuccess : keep(cudaErrorMemoryAllocation);
}

cudaError_t cudaMallocHost(void **out, size_t num_bytes) { return cudaHostAlloc(out, num_bytes, 0); }

cudaError_t cudaFreeHost(void *memory) {
  if (const CUresult status = simulated::check_unsafe()) return result(status);
  simulated::unpin(memory);
  free(memory);
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void *memory, size_t num_bytes, unsigned) {
  if (const CUresult status = simulated::check_unsafe()) return result(status);
  simulated::register_pinned(memory, num_bytes);
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *memory) {
  if (const CUresult status = simulated::check_unsafe()) return result(status);
  simulated::unpin(memory);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  BEGIN;
  return result(cuMemGetInfo(free, total));
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *out, const void *memory) {
  BEGIN;
  *out = {};
  const simulated::Kind kind = simulated::kind_of(memory);
  const int device = simulated::device_of(memory);
  out->device = device < 0 ? -2 : device;
  out->type = kind == simulated::Kind::device   ? cudaMemoryTypeDevice
              : kind == simulated::Kind::pinned ? cudaMemoryTypeHost
                                                : cudaMemoryTypeUnregistered;
  if (kind == simulated::Kind::device) out->devicePointer = const_cast<void *>(memory);
  if (kind == simulated::Kind::pinned) out->hostPointer = const_cast<void *>(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t num_bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  BEGIN;
  return result(simulated::copy(to, from, num_bytes, stream, true));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t num_bytes, cudaMemcpyKind) {
  BEGIN;
  return result(simulated::copy(to, from, num_bytes, nullptr, false));
}

cudaError_t cudaMemcpyPeerAsync(void *to, int, const void *from, int, size_t num_bytes,
                                cudaStream_t stream) {
  return cudaMemcpyAsync(to, from, num_bytes, cudaMemcpyDefault, stream);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t num_bytes, cudaStream_t stream) {
  BEGIN;
  return result(cuMemsetD8Async(address(to), static_cast<unsigned char>(value), num_bytes, stream));
}

cudaError_t cudaMemset(void *to, int value, size_t num_bytes) {
  const cudaError_t error = cudaMemsetAsync(to, value, num_bytes, nullptr);
  simulated::drain(nullptr);
  return error;
}

// Other processes.

cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t *out, void *memory) {
  BEGIN;
  return result(cuIpcGetMemHandle(reinterpret_cast<CUipcMemHandle *>(out), address(memory)));
}

cudaError_t cudaIpcOpenMemHandle(void **out, cudaIpcMemHandle_t handle, unsigned flags) {
  BEGIN;
  CUipcMemHandle name;
  std::memcpy(&name, &handle, sizeof name);
  return result(cuIpcOpenMemHandle(reinterpret_cast<CUdeviceptr *>(out), name, flags));
}

cudaError_t cudaIpcCloseMemHandle(void *memory) {
  BEGIN;
  return result(cuIpcCloseMemHandle(address(memory)));
}

cudaError_t cudaIpcGetEventHandle(cudaIpcEventHandle_t *out, cudaEvent_t event) {
  BEGIN;
  return result(cuIpcGetEventHandle(reinterpret_cast<CUipcEventHandle *>(out), event));
}

cudaError_t cudaIpcOpenEventHandle(cudaEvent_t *out, cudaIpcEventHandle_t handle) {
  BEGIN;
  CUipcEventHandle name;
  std::memcpy(&name, &handle, sizeof name);
  return result(cuIpcOpenEventHandle(out, name));
}

// Kernels: they are registered when a library is loaded, and never launched.

void **__cudaRegisterFatBinary(void *) {
  static void *none = nullptr;
  return &none;
}

void __cudaRegisterFatBinaryEnd(void **) {}
void __cudaUnregisterFatBinary(void **) {}
void __cudaRegisterFunction(void **, const char *, char *, const char *, int, void *, void *, void *,
                            void *, int *) {}
void __cudaRegisterVar(void **, char *, char *, const char *, int, size_t, int, int) {}
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, void *) { return 0; }
cudaError_t __cudaPopCallConfiguration(dim3 *, dim3 *, size_t *, void *) { return cudaSuccess; }

// torch asks for the last error after each launch.
cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void **, size_t, cudaStream_t) {
  return keep(cudaErrorNotSupported);
}

cudaError_t cudaLaunchKernel(const void *, dim3, dim3, void **, size_t, cudaStream_t) {
  return keep(cudaErrorNotSupported);
}

cudaError_t __cudaGetKernel(cudaKernel_t *out, const void *function) {
  *out = static_cast<cudaKernel_t>(const_cast<void *>(function));
  return cudaSuccess;
}

}  // extern "C"

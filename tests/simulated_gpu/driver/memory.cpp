// Memory of the simulated GPUs: files without a name that other processes can map.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "accounts.hpp"
#include "contexts.hpp"
#include "driver.hpp"
#include "handles.hpp"

namespace {

constexpr unsigned char poison = 0xA5;  // of memory that nobody has written
constexpr size_t pitch_bytes = 512;
constexpr size_t granularity = 2 << 20;  // of what an allocation takes of a GPU

struct Range {
  size_t num_bytes;
  simulated::Kind kind;
  int device;
  int fd;
};

std::mutex mutex;
std::map<uintptr_t, Range> ranges;  // by their first address

// Returns the range that an address lies in, and where it begins; the caller has the mutex.
std::map<uintptr_t, Range>::iterator find(uintptr_t address) {
  auto next = ranges.upper_bound(address);
  if (next == ranges.begin()) return ranges.end();
  --next;
  return address < next->first + next->second.num_bytes ? next : ranges.end();
}

void add(const void *address, const Range &range) {
  std::lock_guard lock(mutex);
  ranges[reinterpret_cast<uintptr_t>(address)] = range;
}

bool remove(uintptr_t address, Range *out) {
  std::lock_guard lock(mutex);
  const auto found = ranges.find(address);
  if (found == ranges.end()) return false;
  *out = found->second;
  ranges.erase(found);
  return true;
}

size_t charged(size_t num_bytes) { return (num_bytes + granularity - 1) / granularity * granularity; }

const char *name_of(simulated::Kind kind) {
  const char *const names[] = {"pageable", "pinned", "device"};
  return names[static_cast<int>(kind)];
}

void copy_rows(const CUDA_MEMCPY2D &what) {
  auto start = [](CUmemorytype type, const void *host, CUdeviceptr device, size_t pitch, size_t y,
                  size_t x) {
    const auto base = type == CU_MEMORYTYPE_HOST ? reinterpret_cast<uintptr_t>(host)
                                                 : static_cast<uintptr_t>(device);
    return reinterpret_cast<unsigned char *>(base + y * pitch + x);
  };
  const auto *from = start(what.srcMemoryType, what.srcHost, what.srcDevice, what.srcPitch,
                           what.srcY, what.srcXInBytes);
  auto *to = start(what.dstMemoryType, what.dstHost, what.dstDevice, what.dstPitch, what.dstY,
                   what.dstXInBytes);
  for (size_t row = 0; row < what.Height; ++row)
    std::memcpy(to + row * what.dstPitch, from + row * what.srcPitch, what.WidthInBytes);
}

}  // namespace

namespace simulated {

Kind kind_of(const void *address) {
  std::lock_guard lock(mutex);
  const auto found = find(reinterpret_cast<uintptr_t>(address));
  return found == ranges.end() ? Kind::pageable : found->second.kind;
}

int device_of(const void *address) {
  std::lock_guard lock(mutex);
  const auto found = find(reinterpret_cast<uintptr_t>(address));
  return found == ranges.end() ? -1 : found->second.device;
}

void *pin(size_t num_bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 4096, num_bytes ? num_bytes : 1) != 0) return nullptr;
  register_pinned(memory, num_bytes);
  return memory;
}

void register_pinned(void *address, size_t num_bytes) {
  add(address, {num_bytes, Kind::pinned, -1, -1});
}

void unpin(void *address) {
  Range range;
  remove(reinterpret_cast<uintptr_t>(address), &range);
}

CUresult copy(void *to, const void *from, size_t num_bytes, CUstream stream, bool is_async) {
  const Kind source = kind_of(from), target = kind_of(to);
  note("copy %s %s %zu %s", name_of(source), name_of(target), num_bytes,
       is_async ? "async" : "sync");
  if (source == Kind::pageable && is_async && !is_captured(stream)) {
    // Staged: the caller may write it again. What is captured reads it at each replay.
    auto staged = std::make_shared<std::vector<unsigned char>>(num_bytes);
    std::memcpy(staged->data(), from, num_bytes);
    return queue(stream, [=] { std::memcpy(to, staged->data(), num_bytes); });
  }
  const CUresult status = queue(stream, [=] { std::memcpy(to, from, num_bytes); });
  if (!is_async || target == Kind::pageable) drain(stream);
  return status;
}

}  // namespace simulated

extern "C" {

CUresult cuMemAlloc(CUdeviceptr *out, size_t num_bytes) {
  const int device = simulated::current_device();
  if (device < 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (num_bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (const CUresult status = simulated::check_unsafe()) return status;
  if (simulated::used_bytes(device) + charged(num_bytes) > simulated::total_bytes())
    return CUDA_ERROR_OUT_OF_MEMORY;
  const int fd = memfd_create("simulated-gpu", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, num_bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
  void *memory = mmap(nullptr, num_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  std::memset(memory, poison, num_bytes < (64u << 20) ? num_bytes : 64u << 20);
  add(memory, {num_bytes, simulated::Kind::device, device, fd});
  simulated::charge(device, charged(num_bytes));
  *out = reinterpret_cast<CUdeviceptr>(memory);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocPitch(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned) {
  *pitch = (width + pitch_bytes - 1) / pitch_bytes * pitch_bytes;
  return cuMemAlloc(out, *pitch * height);
}

CUresult cuMemFree(CUdeviceptr address) {
  if (address == 0) return CUDA_SUCCESS;
  if (const CUresult status = simulated::check_unsafe()) return status;
  Range range;
  simulated::drain_device(simulated::device_of(reinterpret_cast<void *>(address)));
  if (!remove(address, &range)) return CUDA_ERROR_INVALID_VALUE;
  munmap(reinterpret_cast<void *>(address), range.num_bytes);  // a late reader is killed
  close(range.fd);
  simulated::charge(range.device, -static_cast<long long>(charged(range.num_bytes)));
  return CUDA_SUCCESS;
}

CUresult cuMemAllocAsync(CUdeviceptr *out, size_t num_bytes, CUstream) {
  return cuMemAlloc(out, num_bytes);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  simulated::drain(stream);
  return cuMemFree(address);
}

CUresult cuMemGetInfo(size_t *free, size_t *total) {
  const int device = simulated::current_device();
  if (device < 0) return CUDA_ERROR_INVALID_CONTEXT;
  *total = simulated::total_bytes();
  *free = *total - simulated::used_bytes(device);
  return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange(CUdeviceptr *base, size_t *num_bytes, CUdeviceptr address) {
  if (simulated::current_device() < 0) return CUDA_ERROR_INVALID_CONTEXT;
  std::lock_guard lock(mutex);
  const auto found = find(address);
  if (found == ranges.end()) return CUDA_ERROR_NOT_FOUND;
  if (base) *base = found->first;
  if (num_bytes) *num_bytes = found->second.num_bytes;
  return CUDA_SUCCESS;
}

CUresult cuIpcGetMemHandle(CUipcMemHandle *out, CUdeviceptr address) {
  if (simulated::current_device() < 0) return CUDA_ERROR_INVALID_CONTEXT;
  std::lock_guard lock(mutex);
  const auto found = find(address);
  if (found == ranges.end() || found->second.fd < 0) return CUDA_ERROR_INVALID_VALUE;
  simulated::write_handle(out, found->second.fd, found->second.num_bytes, found->second.device);
  return CUDA_SUCCESS;
}

CUresult cuIpcOpenMemHandle(CUdeviceptr *out, CUipcMemHandle handle, unsigned) {
  if (simulated::current_device() < 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (const CUresult status = simulated::check_unsafe()) return status;
  void *memory = nullptr;
  Range range{0, simulated::Kind::device, 0, -1};
  const CUresult status =
      simulated::open_handle(&handle, &memory, &range.num_bytes, &range.device);
  if (status != CUDA_SUCCESS) return status;
  add(memory, range);
  *out = reinterpret_cast<CUdeviceptr>(memory);
  return CUDA_SUCCESS;
}

CUresult cuIpcCloseMemHandle(CUdeviceptr address) {
  Range range;
  if (simulated::current_device() < 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (const CUresult status = simulated::check_unsafe()) return status;
  simulated::drain_device(simulated::device_of(reinterpret_cast<void *>(address)));
  if (!remove(address, &range)) return CUDA_ERROR_INVALID_VALUE;
  munmap(reinterpret_cast<void *>(address), range.num_bytes);
  return CUDA_SUCCESS;
}

CUresult cuPointerGetAttribute(void *out, CUpointer_attribute which, CUdeviceptr address) {
  const void *const place = reinterpret_cast<void *>(address);
  const simulated::Kind kind = simulated::kind_of(place);
  if (kind == simulated::Kind::pageable) return CUDA_ERROR_INVALID_VALUE;
  const int device = simulated::device_of(place);
  switch (which) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      return cuDevicePrimaryCtxRetain(static_cast<CUcontext *>(out), device < 0 ? 0 : device);
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      *static_cast<unsigned *>(out) =
          kind == simulated::Kind::device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      *static_cast<CUdeviceptr *>(out) = address;
      return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      *static_cast<int *>(out) = device;
      return CUDA_SUCCESS;
    default:
      simulated::note("cuPointerGetAttribute %d", which);
      return CUDA_ERROR_NOT_SUPPORTED;
  }
}

CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *what, CUstream stream) {
  const CUDA_MEMCPY2D rows = *what;
  simulated::note("copy2d %zu", rows.WidthInBytes * rows.Height);
  return simulated::queue(stream, [rows] { copy_rows(rows); });
}

CUresult cuMemcpy2D(const CUDA_MEMCPY2D *what) {
  const CUresult status = cuMemcpy2DAsync(what, nullptr);
  simulated::drain(nullptr);
  return status;
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t num_bytes) {
  return simulated::copy(reinterpret_cast<void *>(to), from, num_bytes, nullptr, false);
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t num_bytes) {
  return simulated::copy(to, reinterpret_cast<void *>(from), num_bytes, nullptr, false);
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t num_bytes, CUstream stream) {
  return simulated::copy(to, reinterpret_cast<void *>(from), num_bytes, stream, true);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t num_bytes, CUstream stream) {
  return simulated::queue(
      stream, [=] { std::memset(reinterpret_cast<void *>(to), value, num_bytes); });
}

}  // extern "C"

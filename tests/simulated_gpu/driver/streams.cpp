// Streams and events of the simulated driver.

#include "streams.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <set>

#include "contexts.hpp"
#include "driver.hpp"
#include "handles.hpp"

namespace {

std::mutex streams_mutex;
std::set<CUstream_st *> streams;

long long now_nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void be_late() {
  static const long most_us = [] {
    const char *text = std::getenv("SIMULATED_GPU_DELAY_US");
    return text ? std::atol(text) : 300;
  }();
  thread_local std::minstd_rand dice{std::random_device{}()};
  if (most_us > 0) usleep(dice() % most_us);
}

// Lets `stream` wait for what `other` has to do now.
void put_behind(CUstream_st *stream, CUstream_st *other) {
  if (other->is_idle()) return;
  auto state = std::make_shared<EventState>();
  other->queue([state] { state->completed = 1; }, false);
  stream->queue([state] { simulated::wait_for(*state, 1); }, false);
}

// The default stream and those that are not "non-blocking" wait for each other.
void order_with_default(CUstream_st *stream) {
  CUstream_st *const usual = simulated::default_stream(stream->device);
  if (stream != usual) {
    if (stream->is_blocking) put_behind(stream, usual);
    return;
  }
  std::lock_guard lock(streams_mutex);
  for (CUstream_st *other : streams)
    if (other != usual && other->is_blocking && other->device == stream->device)
      put_behind(stream, other);
}

}  // namespace

CUstream_st::~CUstream_st() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CUstream_st::queue(std::function<void()> work, bool is_delayed) {
  {
    std::lock_guard lock(mutex_);
    work_.emplace_back(std::move(work), is_delayed);
    if (!thread_.joinable()) thread_ = std::thread(&CUstream_st::run, this);
  }
  changed_.notify_all();
}

void CUstream_st::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return work_.empty() && !is_busy_; });
}

bool CUstream_st::is_idle() {
  std::lock_guard lock(mutex_);
  return work_.empty() && !is_busy_;
}

void CUstream_st::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !work_.empty() || is_closed_; });
    if (work_.empty()) return;  // what is queued is done before a stream goes
    auto [work, is_delayed] = std::move(work_.front());
    work_.pop_front();
    is_busy_ = true;
    lock.unlock();
    if (is_delayed) be_late();
    work();
    work = nullptr;
    lock.lock();
    is_busy_ = false;
    changed_.notify_all();
  }
}

namespace simulated {

CUstream_st *stream_of(CUstream handle) {
  if (handle == nullptr || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD)
    return default_stream(current_device());
  return handle;
}

CUresult queue(CUstream handle, std::function<void()> work, bool is_delayed) {
  CUstream_st *const stream = stream_of(handle);
  bool is_captured = false;
  const CUresult status = capture_work(stream, work, &is_captured);
  if (status != CUDA_SUCCESS || is_captured) return status;
  order_with_default(stream);
  stream->queue(std::move(work), is_delayed);
  return CUDA_SUCCESS;
}

void drain(CUstream handle) {
  CUstream_st *const stream = stream_of(handle);
  order_with_default(stream);
  stream->drain();
}

void drain_device(int device) {
  std::set<CUstream_st *> all;
  {
    std::lock_guard lock(streams_mutex);
    all = streams;
  }
  if (device >= 0) all.insert(default_stream(device));
  for (CUstream_st *stream : all)
    if (stream->device == device) stream->drain();
}

void wait_for(const EventState &state, unsigned generation) {
  for (int turn = 0; static_cast<int>(state.completed - generation) < 0; ++turn) {
    const int recorder = state.recorder;
    // What a dead process had queued is gone, and with it what there is to wait for.
    if (turn % 1000 == 999 && recorder != 0 && kill(recorder, 0) != 0) return;
    usleep(20);
  }
}

}  // namespace simulated

extern "C" {

CUresult cuStreamCreateWithPriority(CUstream *out, unsigned flags, int) {
  if (simulated::current_device() < 0) return CUDA_ERROR_INVALID_CONTEXT;
  *out = new CUstream_st(simulated::current_device(), !(flags & CU_STREAM_NON_BLOCKING));
  std::lock_guard lock(streams_mutex);
  streams.insert(*out);
  return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *out, unsigned flags) {
  return cuStreamCreateWithPriority(out, flags, 0);
}

CUresult cuStreamDestroy(CUstream stream) {
  simulated::note("stream_destroy %p", static_cast<void *>(stream));
  {
    std::lock_guard lock(streams_mutex);
    if (streams.erase(stream) == 0) return CUDA_ERROR_INVALID_HANDLE;
  }
  simulated::abandon_captures(stream);
  delete stream;
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
  simulated::note("stream_synchronize %p", static_cast<void *>(stream));
  if (const CUresult status = simulated::check_stream(simulated::stream_of(stream))) return status;
  simulated::drain(stream);
  return CUDA_SUCCESS;
}

CUresult cuStreamQuery(CUstream stream) {
  if (const CUresult status = simulated::check_stream(simulated::stream_of(stream))) return status;
  return simulated::stream_of(stream)->is_idle() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamGetCtx(CUstream stream, CUcontext *out) {
  return cuDevicePrimaryCtxRetain(out, simulated::stream_of(stream)->device);
}

CUresult cuStreamGetPriority(CUstream, int *out) {
  *out = 0;
  return CUDA_SUCCESS;
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data) {
  return simulated::queue(stream, [function, data] { function(data); }, false);
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  bool is_captured = false;
  const CUresult status =
      simulated::capture_wait(simulated::stream_of(stream), event, &is_captured);
  if (status != CUDA_SUCCESS || is_captured) return status;
  EventState *const state = event->state;
  const unsigned generation = state->recorded;  // what is recorded later does not count
  if (static_cast<int>(state->completed - generation) >= 0) return CUDA_SUCCESS;
  return simulated::queue(
      stream, [state, generation] { simulated::wait_for(*state, generation); }, false);
}

CUresult cuEventCreate(CUevent *out, unsigned flags) {
  const bool is_shared = flags & CU_EVENT_INTERPROCESS;
  if (is_shared && !(flags & CU_EVENT_DISABLE_TIMING)) return CUDA_ERROR_INVALID_VALUE;
  const int fd = is_shared ? memfd_create("simulated-gpu-event", MFD_CLOEXEC) : -1;
  if (is_shared && ftruncate(fd, sizeof(EventState)) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
  const int sharing = is_shared ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
  void *memory = mmap(nullptr, sizeof(EventState), PROT_READ | PROT_WRITE, sharing, fd, 0);
  if (memory == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  *out = new CUevent_st{static_cast<EventState *>(memory), fd, false};
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
  // Its counters stay for what is queued behind it, which CUDA allows.
  if (event->fd >= 0) close(event->fd);
  delete event;
  return CUDA_SUCCESS;
}

CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned) {
  bool is_captured = false;
  const CUresult status =
      simulated::capture_record(simulated::stream_of(stream), event, &is_captured);
  if (status != CUDA_SUCCESS || is_captured) return status;
  EventState *const state = event->state;
  state->recorder = getpid();
  const unsigned generation = ++state->recorded;
  return simulated::queue(
      stream,
      [state, generation] {
        state->nanoseconds = now_nanoseconds();
        state->completed = generation;
      },
      false);
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  return cuEventRecordWithFlags(event, stream, 0);
}

CUresult cuEventQuery(CUevent event) {
  if (const CUresult status = simulated::check_event(event)) return status;
  const EventState &state = *event->state;
  return static_cast<int>(state.completed - state.recorded) >= 0 ? CUDA_SUCCESS
                                                                 : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent event) {
  simulated::note("event_synchronize %p", static_cast<void *>(event));
  if (const CUresult status = simulated::check_event(event)) return status;
  simulated::wait_for(*event->state, event->state->recorded);
  return CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end) {
  for (CUevent event : {begin, end})
    if (const CUresult status = simulated::check_event(event)) return status;
  *milliseconds = (end->state->nanoseconds - begin->state->nanoseconds) / 1e6f;
  return CUDA_SUCCESS;
}

CUresult cuIpcGetEventHandle(CUipcEventHandle *out, CUevent event) {
  if (event->fd < 0 || event->is_opened) return CUDA_ERROR_INVALID_HANDLE;
  simulated::write_handle(out, event->fd, sizeof(EventState), 0);
  return CUDA_SUCCESS;
}

CUresult cuIpcOpenEventHandle(CUevent *out, CUipcEventHandle handle) {
  void *memory = nullptr;
  const CUresult status = simulated::open_handle(&handle, &memory, nullptr, nullptr);
  if (status != CUDA_SUCCESS) return status;
  *out = new CUevent_st{static_cast<EventState *>(memory), -1, true};
  return CUDA_SUCCESS;
}

}  // extern "C"

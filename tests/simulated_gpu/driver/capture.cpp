// Stream capture of the simulated driver.

#include "capture.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "contexts.hpp"
#include "driver.hpp"
#include "streams.hpp"

namespace simulated {

struct Capture {
  unsigned long long id;
  CUstream_st *origin;
  CUstreamCaptureMode mode;
  std::thread::id thread;
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  std::set<CUstream_st *> streams;
  bool is_valid = true;
  bool is_over = false;
};

namespace {

std::mutex mutex;  // of all that is captured
std::set<std::shared_ptr<Capture>> captures;
thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

// The functions up to the end of this namespace are called with the mutex.

CUresult refuse(Capture &capture, CUresult status) {
  const bool was_valid = std::exchange(capture.is_valid, false);
  return was_valid ? status : CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
}

bool has_stream(const Capture &capture, int device, bool is_blocking) {
  return std::any_of(capture.streams.begin(), capture.streams.end(), [=](auto *stream) {
    return stream->device == device && (stream->is_blocking || !is_blocking);
  });
}

// The default stream encompasses all streams that are not "non-blocking".
CUresult check_default(CUstream_st *stream, bool is_use = true) {
  if (stream != default_stream(stream->device)) return CUDA_SUCCESS;
  CUresult status = CUDA_SUCCESS;
  for (auto &capture : captures) {
    if (!has_stream(*capture, stream->device, true)) continue;
    status = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    if (is_use) capture->is_valid = false;
  }
  return status;
}

// Which calls are "potentially unsafe" the reference leaves open but for cudaMalloc. Here they are
// those that make and free memory, and all by which the host waits or asks: a query of an event
// by another thread is known to spoil a capture (pytorch/pytorch#104487).
CUresult check_unsafe_locked() {
  if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
  CUresult status = CUDA_SUCCESS;
  for (auto &capture : captures) {
    const bool is_own = capture->thread == std::this_thread::get_id();
    const bool is_refused = is_own ? capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED
                                   : capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
                                         thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
    if (!is_refused) continue;
    capture->is_valid = false;
    status = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return status;
}

void add(std::vector<CUgraphNode> &nodes, const std::vector<CUgraphNode> &more) {
  for (CUgraphNode node : more)
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
}

// Says whether all that was recorded comes before the end of the stream where it began.
bool is_joined(const Capture &capture) {
  std::set<CUgraphNode> reached;
  std::vector<CUgraphNode> next = capture.origin->captured.last;
  while (!next.empty()) {
    CUgraphNode node = next.back();
    next.pop_back();
    if (reached.insert(node).second) add(next, node->after);
  }
  return reached.size() == capture.graph->nodes.size();
}

void end(const std::shared_ptr<Capture> &capture) {
  capture->is_over = true;
  for (CUstream_st *stream : capture->streams) stream->captured = {};
  capture->streams.clear();
  captures.erase(capture);
}

void join(CUstream_st *stream, const Captured &captured) {
  stream->captured.capture = captured.capture;
  add(stream->captured.last, captured.last);
  captured.capture->streams.insert(stream);
}

}  // namespace

CUresult capture_work(CUstream_st *stream, const std::function<void()> &work, bool *is_captured) {
  std::lock_guard lock(mutex);
  *is_captured = false;
  if (const CUresult status = check_default(stream)) return status;
  if (!stream->captured.capture) return CUDA_SUCCESS;
  Capture &capture = *stream->captured.capture;
  if (!capture.is_valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  auto node = std::make_shared<CUgraphNode_st>(CUgraphNode_st{work, stream->captured.last});
  stream->captured.last = {node.get()};
  capture.graph->nodes.push_back(std::move(node));
  *is_captured = true;
  return CUDA_SUCCESS;
}

CUresult capture_record(CUstream_st *stream, CUevent_st *event, bool *is_captured) {
  std::lock_guard lock(mutex);
  *is_captured = false;
  if (const CUresult status = check_default(stream)) return status;
  if (stream->captured.capture && !stream->captured.capture->is_valid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  event->captured = stream->captured;
  *is_captured = event->captured.capture != nullptr;
  return CUDA_SUCCESS;
}

CUresult capture_wait(CUstream_st *stream, CUevent_st *event, bool *is_captured) {
  std::lock_guard lock(mutex);
  *is_captured = false;
  if (const CUresult status = check_default(stream)) return status;
  const std::shared_ptr<Capture> waiting = stream->captured.capture;
  const std::shared_ptr<Capture> awaited = event->captured.capture;
  if (waiting && !waiting->is_valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (!waiting && !awaited) return CUDA_SUCCESS;
  if (!awaited) return refuse(*waiting, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  if (waiting && waiting != awaited) {
    awaited->is_valid = false;
    return refuse(*waiting, CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  if (awaited->is_over) return CUDA_ERROR_CAPTURED_EVENT;
  if (!awaited->is_valid) return CUDA_ERROR_INVALID_VALUE;
  if (stream == default_stream(stream->device))
    return refuse(*awaited, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  join(stream, event->captured);
  *is_captured = true;
  return CUDA_SUCCESS;
}

bool is_captured(CUstream stream) {
  std::lock_guard lock(mutex);
  return stream_of(stream)->captured.capture != nullptr;
}

CUresult check_stream(CUstream_st *stream) {
  std::lock_guard lock(mutex);
  if (const CUresult status = check_default(stream)) return status;
  if (stream->captured.capture)
    return refuse(*stream->captured.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return check_unsafe_locked();
}

CUresult check_event(CUevent_st *event) {
  std::lock_guard lock(mutex);
  if (!event->captured.capture) return check_unsafe_locked();
  event->captured.capture->is_valid = false;
  return CUDA_ERROR_CAPTURED_EVENT;
}

// Whatever the mode, and whichever thread captures: a device encompasses its streams.
CUresult check_device(int device) {
  std::lock_guard lock(mutex);
  CUresult status = CUDA_SUCCESS;
  for (auto &capture : captures) {
    if (!has_stream(*capture, device, false)) continue;
    capture->is_valid = false;
    status = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return status;
}

CUresult check_unsafe() {
  std::lock_guard lock(mutex);
  return check_unsafe_locked();
}

void abandon_captures(CUstream_st *stream) {
  std::lock_guard lock(mutex);
  const std::shared_ptr<Capture> capture = stream->captured.capture;
  if (!capture) return;
  capture->is_valid = false;
  capture->streams.erase(stream);
  if (capture->origin == stream) end(capture);
}

}  // namespace simulated

using simulated::captures;
using simulated::mutex;

extern "C" {

CUresult cuStreamBeginCapture(CUstream handle, CUstreamCaptureMode mode) {
  CUstream_st *const stream = simulated::stream_of(handle);
  static unsigned long long num = 0;
  std::lock_guard lock(mutex);
  if (stream == simulated::default_stream(stream->device))
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (stream->captured.capture) return CUDA_ERROR_ILLEGAL_STATE;
  auto capture = std::make_shared<simulated::Capture>();
  capture->id = ++num;
  capture->origin = stream;
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  simulated::join(stream, {capture, {}});
  captures.insert(std::move(capture));
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *out) {
  CUstream_st *const stream = simulated::stream_of(handle);
  std::lock_guard lock(mutex);
  *out = nullptr;
  const std::shared_ptr<simulated::Capture> capture = stream->captured.capture;
  if (!capture) return CUDA_ERROR_ILLEGAL_STATE;
  if (capture->origin != stream)
    return simulated::refuse(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED &&
      capture->thread != std::this_thread::get_id())
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  const bool is_joined = simulated::is_joined(*capture);
  simulated::end(capture);
  if (!capture->is_valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (!is_joined) return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  *out = capture->graph.release();
  return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *out) {
  return cuStreamGetCaptureInfo(stream, out, nullptr, nullptr, nullptr, nullptr, nullptr);
}

CUresult cuStreamGetCaptureInfo(CUstream handle, CUstreamCaptureStatus *status, cuuint64_t *id,
                                CUgraph *graph, const CUgraphNode **last,
                                const CUgraphEdgeData **edges, size_t *num_last) {
  CUstream_st *const stream = simulated::stream_of(handle);
  std::lock_guard lock(mutex);
  if (const CUresult error = simulated::check_default(stream, false)) return error;
  const simulated::Captured &captured = stream->captured;
  *status = !captured.capture            ? CU_STREAM_CAPTURE_STATUS_NONE
            : captured.capture->is_valid ? CU_STREAM_CAPTURE_STATUS_ACTIVE
                                         : CU_STREAM_CAPTURE_STATUS_INVALIDATED;
  if (!captured.capture) return CUDA_SUCCESS;
  if (id) *id = captured.capture->id;
  if (graph) *graph = captured.capture->graph.get();
  if (last) *last = captured.last.data();
  if (edges) *edges = nullptr;
  if (num_last) *num_last = captured.last.size();
  return CUDA_SUCCESS;
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  std::swap(simulated::thread_mode, *mode);
  return CUDA_SUCCESS;
}

}  // extern "C"

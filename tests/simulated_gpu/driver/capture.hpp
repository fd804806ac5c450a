// Stream capture: what streams record in place of doing it, and what is refused meanwhile.
//
// The rules are those of the CUDA C++ programming guide, "CUDA graphs", "Creating a graph using
// stream capture" (cross-stream dependencies and events; prohibited and unhandled operations;
// invalidation), and of the runtime's reference for cudaStreamBeginCapture, cudaStreamEndCapture
// and cudaThreadExchangeStreamCaptureMode. What is refused invalidates the captures concerned.
#pragma once

#include <cuda.h>

#include <functional>
#include <memory>
#include <vector>

struct CUevent_st;
struct CUstream_st;

// One piece of recorded work, and what has to be done before it.
struct CUgraphNode_st {
  std::function<void()> work;
  std::vector<CUgraphNode> after;
};

struct CUgraph_st {
  std::vector<std::shared_ptr<CUgraphNode_st>> nodes;  // each behind what it comes after
};

namespace simulated {

struct Capture;

// What a stream, or an event that was recorded in one, knows of the capture it belongs to.
struct Captured {
  std::shared_ptr<Capture> capture;  // null where nothing is captured
  std::vector<CUgraphNode> last;     // what the next node comes after
};

// Adds work to the graph of a stream that is captured; `is_captured` says whether it was.
CUresult capture_work(CUstream_st *stream, const std::function<void()> &work, bool *is_captured);

// The same for events: they become marks in the graph, or end to be such.
CUresult capture_record(CUstream_st *stream, CUevent_st *event, bool *is_captured);
CUresult capture_wait(CUstream_st *stream, CUevent_st *event, bool *is_captured);

// Refuse the host what it must not wait for or ask about.
CUresult check_stream(CUstream_st *stream);
CUresult check_event(CUevent_st *event);
CUresult check_device(int device);

// Refuses a call that is no work for a stream, and so would not be replayed: cudaMalloc.
CUresult check_unsafe();

// A stream that goes away takes its capture with it.
void abandon_captures(CUstream_st *stream);

}  // namespace simulated

// Streams, events and graphs of the simulated runtime, as thin calls of the simulated driver.

#include <utility>

#include "cudart.hpp"

#undef cudaStreamGetCaptureInfo

using runtime::keep;
using runtime::result;

extern "C" {

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int priority) {
  BEGIN;
  return result(cuStreamCreateWithPriority(out, flags, priority));
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags) {
  return cudaStreamCreateWithPriority(out, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *out) { return cudaStreamCreateWithPriority(out, 0, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) { return result(cuStreamDestroy(stream)); }

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  BEGIN;
  return result(cuStreamSynchronize(stream));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  BEGIN;
  const CUresult status = cuStreamQuery(stream);
  return status == CUDA_ERROR_NOT_READY ? cudaErrorNotReady : result(status);
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int *out) {
  return result(cuStreamGetPriority(stream, out));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  BEGIN;
  if (flags != cudaEventWaitDefault) return keep(cudaErrorNotSupported);
  return result(cuStreamWaitEvent(stream, event, flags));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
  BEGIN;
  return result(cuLaunchHostFunc(stream, function, data));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags) {
  BEGIN;
  return result(cuEventCreate(out, flags));
}

cudaError_t cudaEventCreate(cudaEvent_t *out) { return cudaEventCreateWithFlags(out, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t event) { return result(cuEventDestroy(event)); }

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  BEGIN;
  if (flags != cudaEventRecordDefault) return keep(cudaErrorNotSupported);
  return result(cuEventRecord(event, stream));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, 0);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const CUresult status = cuEventQuery(event);
  return status == CUDA_ERROR_NOT_READY ? cudaErrorNotReady : result(status);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) { return result(cuEventSynchronize(event)); }

cudaError_t cudaEventElapsedTime(float *out, cudaEvent_t begin, cudaEvent_t end) {
  return result(cuEventElapsedTime(out, begin, end));
}

// Graphs.

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  BEGIN;
  return result(cuStreamBeginCapture(stream, static_cast<CUstreamCaptureMode>(mode)));
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out) {
  return result(cuStreamEndCapture(stream, out));
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *out) {
  BEGIN;
  return result(cuStreamIsCapturing(stream, reinterpret_cast<CUstreamCaptureStatus *>(out)));
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus *status,
                                     unsigned long long *id, cudaGraph_t *graph,
                                     const cudaGraphNode_t **last, const cudaGraphEdgeData **edges,
                                     size_t *num_last) {
  BEGIN;
  cuuint64_t number = 0;
  const CUresult found =
      cuStreamGetCaptureInfo(stream, reinterpret_cast<CUstreamCaptureStatus *>(status), &number,
                             graph, last, nullptr, num_last);
  if (edges) *edges = nullptr;
  if (id) *id = number;
  return result(found);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
  auto exchanged = static_cast<CUstreamCaptureMode>(*mode);
  const CUresult status = cuThreadExchangeStreamCaptureMode(&exchanged);
  *mode = static_cast<cudaStreamCaptureMode>(exchanged);
  return result(status);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *num) {
  return result(cuGraphGetNodes(graph, nodes, num));
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph,
                                 unsigned long long flags) {
  BEGIN;
  return result(cuGraphInstantiate(out, graph, flags));
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *out, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(out, graph, flags);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  BEGIN;
  return result(cuGraphLaunch(graph, stream));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return result(cuGraphExecDestroy(graph));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return result(cuGraphDestroy(graph)); }

}  // extern "C"

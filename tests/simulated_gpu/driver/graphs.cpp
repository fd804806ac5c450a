// Graphs of the simulated driver: what was captured, done again with one call.

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <vector>

#include "capture.hpp"
#include "driver.hpp"
#include "streams.hpp"

namespace {

using Nodes = std::vector<std::shared_ptr<CUgraphNode_st>>;

// Does all that was recorded, in an order by chance of those that its events allow.
void replay(const Nodes &nodes) {
  thread_local std::minstd_rand dice{std::random_device{}()};
  std::vector<const CUgraphNode_st *> open;
  std::set<const CUgraphNode_st *> done;
  auto can_begin = [&done](const CUgraphNode_st *node) {
    return std::all_of(node->after.begin(), node->after.end(),
                       [&done](const CUgraphNode_st *other) { return done.count(other) > 0; });
  };
  for (size_t next = 0; next < nodes.size() || !open.empty();) {
    // A window is enough: branches of a fork are few, and recorded close to each other.
    while (next < nodes.size() && open.size() < 16) open.push_back(nodes[next++].get());
    std::vector<size_t> choices;
    for (size_t n = 0; n < open.size(); ++n)
      if (can_begin(open[n])) choices.push_back(n);
    const size_t chosen = choices[dice() % choices.size()];
    const CUgraphNode_st *const node = open[chosen];
    open.erase(open.begin() + chosen);
    node->work();
    done.insert(node);
  }
}

}  // namespace

// Nodes and turns are shared with launches that have not ended when the graph goes.
struct CUgraphExec_st {
  std::shared_ptr<const Nodes> nodes;
  std::shared_ptr<EventState> turns = std::make_shared<EventState>();
};

extern "C" {

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *num) {
  const size_t num_wanted = nodes ? std::min(*num, graph->nodes.size()) : 0;
  for (size_t n = 0; n < num_wanted; ++n) nodes[n] = graph->nodes[n].get();
  *num = nodes ? num_wanted : graph->nodes.size();
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiate(CUgraphExec *out, CUgraph graph, unsigned long long) {
  *out = new CUgraphExec_st{std::make_shared<const Nodes>(graph->nodes)};
  return CUDA_SUCCESS;
}

// "Each launch is ordered behind both any previous work in the stream and any previous launches
// of the executable graph" (reference of cudaGraphLaunch).
CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream) {
  simulated::note("graph_launch %zu", graph->nodes->size());
  CUstreamCaptureStatus capture = CU_STREAM_CAPTURE_STATUS_NONE;
  if (const CUresult status = cuStreamIsCapturing(stream, &capture)) return status;
  if (capture != CU_STREAM_CAPTURE_STATUS_NONE)  // a graph in a graph
    return simulated::queue(stream, [nodes = graph->nodes] { replay(*nodes); });
  const std::shared_ptr<EventState> turns = graph->turns;
  const unsigned turn = ++turns->recorded;
  return simulated::queue(stream, [turns, turn, nodes = graph->nodes] {
    simulated::wait_for(*turns, turn - 1);
    replay(*nodes);
    turns->completed = turn;
  });
}

CUresult cuGraphExecDestroy(CUgraphExec graph) {
  delete graph;
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
  delete graph;
  return CUDA_SUCCESS;
}

}  // extern "C"

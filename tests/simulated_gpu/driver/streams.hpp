// Streams and events: queues with a late thread each, and counters that processes can share.
#pragma once

#include <cuda.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "capture.hpp"

// What an event is, in memory that other processes may map.
struct EventState {
  std::atomic<unsigned> recorded;   // how often cuEventRecord was called
  std::atomic<unsigned> completed;  // which of them the stream has come to
  std::atomic<int> recorder;        // the process that recorded last
  std::atomic<long long> nanoseconds;
};

struct CUevent_st {
  EventState *state;
  int fd;  // of the state's memory, or -1 where only this process has it
  bool is_opened;
  simulated::Captured captured = {};
};

struct CUstream_st {
  CUstream_st(int device, bool is_blocking) : device(device), is_blocking(is_blocking) {}
  ~CUstream_st();

  void queue(std::function<void()> work, bool is_delayed);
  void drain();
  bool is_idle();

  const int device;
  const bool is_blocking;  // in order with the default stream
  simulated::Captured captured;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::function<void()>, bool>> work_;
  bool is_busy_ = false;
  bool is_closed_ = false;
  std::thread thread_;
};

namespace simulated {

// Returns the stream that a handle means; 0 is the default stream of the current context.
CUstream_st *stream_of(CUstream handle);

// Blocks until the event has been reached as often as `generation`.
void wait_for(const EventState &state, unsigned generation);

void drain_device(int device);

}  // namespace simulated

// A session of the simulated encoder, and what is in it.
#pragma once

#include <cuda.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nvencode.hpp"

namespace nvenc {

constexpr uint32_t min_width = 145, min_height = 49, max_side = 4096;

// What Python is told of a session.
struct Settings {
  uint32_t width, height, keyframe_interval, num_b_frames, rate_mode;
  uint32_t qp_p, qp_b, qp_i, bits_per_second, rate_num, rate_den;
};

// A picture under way; the GPU fills its planes late.
struct Picture {
  std::vector<unsigned char> planes;  // NV12 without gaps
  uint64_t timestamp, duration;
  uint32_t flags, frame_index;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_read = false;
};

struct Input {
  RegisterResource resource;
  bool is_mapped;
};

struct Output {
  std::vector<unsigned char> bytes;
  std::shared_ptr<Picture> picture;  // that the bytes show
  uint32_t type;
  bool is_wanted, is_filled, is_locked;  // for a picture; with its bytes; by the caller
};

struct Session {
  CUcontext context;
  bool is_initialized = false;
  Settings settings{};
  uint32_t idr_period = infinite, header_flags = 0;
  CUstream input_stream = nullptr, output_stream = nullptr;
  std::map<Input *, std::unique_ptr<Input>> inputs;
  std::map<Output *, std::unique_ptr<Output>> outputs;
  std::vector<unsigned char> headers;                // sequence and picture parameters
  std::deque<std::shared_ptr<Picture>> to_encode;    // not yet given to Python
  std::map<uint64_t, std::shared_ptr<Picture>> given;  // by number, until their bytes are there
  std::deque<Output *> wanted;                       // in the order in which they were named
  uint64_t num_pictures = 0, num_packets = 0;
  std::string error;

  // Says what is wrong, as the interface does beside its number.
  int fail(Status status, const char *text) {
    error = text;
    return status;
  }
};

// Starts and ends the encoder behind a session.
int begin(Session &session);
void end(Session &session);

// Functions of the interface that have to do with pictures.
int encode_one(Session *session, PicParams *params);
int lock(Session *session, LockBitstream *params);
int unlock(Session *session, Output *output);

}  // namespace nvenc

// Pictures in the simulated encoder: read late by the GPU, encoded in Python (`encoding.py`).

#include "nvenc.hpp"

#include <algorithm>
#include <cstring>

#include "driver.hpp"
#include "python.hpp"

namespace nvenc {
namespace {

// What Python gives: it answers by `simulated_headers` and `simulated_packet`.
struct Encoding {
  void (*open)(void *session, const Settings *settings);
  void (*encode)(void *session, const void *planes, uint64_t number, int is_forced);
  void (*flush)(void *session);
  void (*close)(void *session);
};
Encoding encoding{};

bool import_encoding() {
  return simulated::import_once("import tests.simulated_gpu.encoding",
                                [] { return encoding.open != nullptr; });
}

// Copies the surface to the picture: NV12 with a pitch to NV12 without gaps.
void read(const RegisterResource &surface, const Settings &settings, Picture &picture) {
  const size_t rows = settings.height * 3 / 2;
  const auto *from = static_cast<const unsigned char *>(surface.resource);
  picture.planes.resize(rows * settings.width);
  for (size_t row = 0; row < rows; ++row) {
    // Chroma begins below all the rows that the surface has for luma.
    const size_t skipped = row < settings.height ? 0 : surface.height - settings.height;
    std::memcpy(picture.planes.data() + row * settings.width,
                from + (row + skipped) * surface.pitch, settings.width);
  }
  std::lock_guard lock(picture.mutex);
  picture.is_read = true;
  picture.changed.notify_all();
}

void wait_until_read(Picture &picture) {
  std::unique_lock lock(picture.mutex);
  picture.changed.wait(lock, [&] { return picture.is_read; });
}

// Queues the reading on the stream for input; what comes later on that for output waits.
CUresult queue_reading(Session &session, const Input &input, std::shared_ptr<Picture> picture) {
  cuCtxPushCurrent(session.context);
  CUresult status = simulated::queue(
      session.input_stream, [resource = input.resource, settings = session.settings, picture] {
        read(resource, settings, *picture);
      });
  if (status == CUDA_SUCCESS && session.output_stream != session.input_stream)
    status = simulated::queue(
        session.output_stream, [picture] { wait_until_read(*picture); }, false);
  cuCtxPopCurrent(nullptr);
  return status;
}

void encode_next(Session &session) {
  const std::shared_ptr<Picture> picture = session.to_encode.front();
  session.to_encode.pop_front();
  if (picture) {
    wait_until_read(*picture);
    const uint64_t number = session.num_pictures++;
    session.given[number] = picture;
    const bool is_forced = picture->flags & (force_idr | force_intra);
    encoding.encode(&session, picture->planes.data(), number, is_forced);
  } else {  // the end
    encoding.flush(&session);
  }
}

}  // namespace

int begin(Session &session) {
  if (!import_encoding()) return session.fail(generic, "There is no Python to encode.");
  encoding.open(&session, &session.settings);
  return session.headers.empty() ? session.fail(generic, "Python encodes nothing.") : success;
}

void end(Session &session) {
  if (encoding.close) encoding.close(&session);
}

int encode_one(Session *session, PicParams *params) {
  if (params->version != picture_version) return session->fail(invalid_version, "PIC_PARAMS");
  if (!session->is_initialized) return session->fail(not_initialized, "");
  if (params->flags & end_of_stream) {
    simulated::note("encode_end %p", static_cast<void *>(session));
    session->to_encode.push_back(nullptr);
    return success;
  }
  const auto input = session->inputs.find(static_cast<Input *>(params->input));
  if (input == session->inputs.end() || !input->second->is_mapped)
    return session->fail(not_mapped, "The input is not mapped.");
  const auto output = session->outputs.find(static_cast<Output *>(params->output));
  if (output == session->outputs.end()) return session->fail(invalid_param, "No such output.");
  if (output->second->is_wanted || output->second->is_locked)
    return session->fail(encoder_busy, "The output is in use.");
  if (params->width != session->settings.width || params->height != session->settings.height)
    return session->fail(invalid_param, "The picture has another size.");

  auto picture = std::make_shared<Picture>();
  picture->timestamp = params->timestamp;
  picture->duration = params->duration;
  picture->flags = params->flags;
  picture->frame_index = params->frame_index;
  simulated::note("encode_picture %p time %lu index %u flags %x stream %p",
                  static_cast<void *>(session), params->timestamp, params->frame_index,
                  params->flags, static_cast<void *>(session->input_stream));
  if (queue_reading(*session, *input->second, picture) != CUDA_SUCCESS)
    return session->fail(generic, "A stream cannot be waited for.");
  session->to_encode.push_back(picture);
  *output->second = {{}, nullptr, 0, true, false, false};
  session->wanted.push_back(output->first);
  const uint32_t group = session->settings.num_b_frames + 1;
  const uint64_t number = session->num_pictures + session->to_encode.size() - 1;
  return number % group == 0 ? success : need_more_input;
}

int lock(Session *session, LockBitstream *params) {
  if (params->version != lock_version) return session->fail(invalid_version, "LOCK_BITSTREAM");
  const auto found = session->outputs.find(static_cast<Output *>(params->output));
  if (found == session->outputs.end()) return session->fail(invalid_param, "No such output.");
  Output &output = *found->second;
  if (!output.is_wanted && !output.is_filled)
    return session->fail(invalid_call, "No picture was encoded to this output.");
  // Not where Python has gone: a process ends with an encoder in it.
  while (!output.is_filled && !session->to_encode.empty() && encoding.encode)
    encode_next(*session);
  if (!output.is_filled) return session->fail(encoder_busy, "The picture is not encoded yet.");
  output.is_locked = true;
  params->bytes = output.bytes.data();
  params->num_bytes = static_cast<uint32_t>(output.bytes.size());
  params->timestamp = output.picture->timestamp;
  params->duration = output.picture->duration;
  params->frame_index = output.picture->frame_index;
  params->type = output.type;
  params->structure = 1;
  return success;
}

int unlock(Session *session, Output *output) {
  const auto found = session->outputs.find(output);
  if (found == session->outputs.end() || !found->second->is_locked)
    return session->fail(invalid_call, "The output is not locked.");
  *output = {};
  return success;
}

}  // namespace nvenc

extern "C" {

void simulated_encoding(nvenc::Encoding hooks) { nvenc::encoding = hooks; }

void simulated_headers(nvenc::Session *session, const unsigned char *bytes, size_t num_bytes) {
  session->headers.assign(bytes, bytes + num_bytes);
}

// Takes the bits of the picture of a number, and what x264 made of it.
//
// A key frame's bits are those of an IDR picture. Between two periods the encoder says "I", as
// the real one does, whose bits are then such that a player cannot begin there.
void simulated_packet(nvenc::Session *session, uint64_t number, const unsigned char *bytes,
                      size_t num_bytes, int is_keyframe, int is_b_frame) {
  using namespace nvenc;
  const auto given = session->given.find(number);
  if (session->wanted.empty() || given == session->given.end()) return;
  Output &output = *session->wanted.front();
  session->wanted.pop_front();
  output.picture = given->second;
  session->given.erase(given);
  const bool is_forced = output.picture->flags & force_idr;
  const bool is_due = number == 0 || (session->idr_period != infinite &&
                                      number % session->idr_period == 0);
  output.type = !is_keyframe        ? (is_b_frame ? picture_b : picture_p)
                : is_forced || is_due ? picture_idr
                                      : picture_i;
  const bool has_headers = is_keyframe && !(session->header_flags & disable_headers) &&
                           (session->num_packets == 0 || session->header_flags & repeat_headers);
  if (has_headers) output.bytes = session->headers;
  output.bytes.insert(output.bytes.end(), bytes, bytes + num_bytes);
  output.is_wanted = false;
  output.is_filled = true;
  ++session->num_packets;
}

}  // extern "C"

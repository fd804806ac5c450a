// NVIDIA's encoder as a library: sessions, what they are asked for, and what is refused.
//
// SIMULATED_GPU_ENCODERS says how many encoders each GPU has, "2,0" the first two and the second
// none: by default none, as an H100. SIMULATED_GPU_ENCODER_SESSIONS says how many sessions all
// processes may have at once.

#include "nvenc.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "accounts.hpp"
#include "driver.hpp"

namespace nvenc {
namespace {

int num_engines(CUcontext context) {
  int device = 0;
  cuCtxPushCurrent(context);
  cuCtxGetDevice(&device);
  cuCtxPopCurrent(nullptr);
  const char *text = std::getenv("SIMULATED_GPU_ENCODERS");
  for (const char *next; text && device > 0 && (next = std::strchr(text, ',')); --device)
    text = next + 1;  // where there are fewer numbers than GPUs, the last is for the rest
  return text ? std::atoi(text) : 0;
}

int max_sessions() {
  const char *text = std::getenv("SIMULATED_GPU_ENCODER_SESSIONS");
  return text ? std::atoi(text) : 8;
}

int open(OpenParams *params, void **out) {
  *out = nullptr;
  if (params->version != open_version || params->api_version != api_version)
    return invalid_version;
  if (params->device_type != cuda_device || !params->device) return invalid_device;
  if (num_engines(static_cast<CUcontext>(params->device)) == 0) return unsupported_device;
  if (simulated::count_encoders() >= max_sessions()) return out_of_memory;
  simulated::add_encoder(1);
  auto *session = new Session;
  session->context = static_cast<CUcontext>(params->device);
  *out = session;
  simulated::note("open_encoder %p", *out);
  return success;
}

int destroy(Session *session) {
  simulated::note("destroy_encoder %p", static_cast<void *>(session));
  if (session->is_initialized) end(*session);
  simulated::add_encoder(-1);
  delete session;
  return success;
}

const char *last_error(Session *session) { return session->error.c_str(); }

int count_guids(Session *, uint32_t *out) {
  *out = 1;
  return success;
}

int list_guids(Session *, Guid *out, uint32_t size, uint32_t *num) {
  if (size < 1) return invalid_param;
  *out = h264;
  *num = 1;
  return success;
}

int caps(Session *session, Guid codec, CapsParam *params, int *out) {
  *out = 0;
  if (!(codec == h264)) return session->fail(unsupported_param, "Unsupported codec.");
  switch (params->which) {
    case 0: *out = 4; break;           // B-frames
    case 1: *out = 0x3; break;         // control of the rate: a table of bits
    case 16: case 17: *out = max_side; break;
    case 31: *out = 65536; break;      // macroblocks
    case 45: *out = min_width; break;
    case 46: *out = min_height; break;
    case 49: *out = num_engines(session->context); break;
    default: break;
  }
  return success;
}

// What a preset means where the caller says nothing else.
int preset_ex(Session *session, Guid codec, Guid, uint32_t tuning, PresetConfig *out) {
  if (out->version != preset_version || out->config.version != config_version)
    return session->fail(invalid_version, "PRESET_CONFIG");
  if (!(codec == h264)) return session->fail(unsupported_param, "Unsupported codec.");
  constexpr uint32_t high_quality = 1;
  out->config.gop_length = infinite;
  out->config.frame_interval_p = tuning == high_quality ? 3 : 1;
  out->config.field_mode = 1;
  out->config.rate.mode = variable_rate;
  out->config.rate.qp = {28, 31, 25};
  out->config.h264.idr_period = infinite;
  return success;
}

int preset(Session *session, Guid codec, Guid name, PresetConfig *out) {
  return preset_ex(session, codec, name, 1, out);
}

int check(Session &session, const InitializeParams &params) {
  if (params.version != initialize_version || !params.config ||
      params.config->version != config_version)
    return session.fail(invalid_version, "INITIALIZE_PARAMS");
  if (!(params.codec == h264)) return session.fail(unsupported_param, "Unsupported codec.");
  if (params.width < min_width || params.height < min_height)
    return session.fail(invalid_param, "Frame Dimension less than the minimum supported value.");
  if (params.width > max_side || params.height > max_side)
    return session.fail(invalid_param, "Frame Dimension greater than the maximum supported value.");
  if (params.width % 2 || params.height % 2)
    return session.fail(unimplemented, "The simulated encoder takes even sizes only.");
  if (params.config->frame_interval_p > static_cast<int>(std::min(params.config->gop_length, 99u)))
    return session.fail(invalid_param, "Invalid GOP length.");
  if (params.is_async || !params.decides_types || params.config->rate.lookahead_depth)
    return session.fail(unimplemented, "Not simulated: asynchronous, own types or lookahead.");
  return success;
}

int begin_session(Session *session, InitializeParams *params) {
  const int status = check(*session, *params);
  if (status != success) return status;
  const Config &config = *params->config;
  session->idr_period = config.h264.idr_period ? config.h264.idr_period : config.gop_length;
  session->header_flags = config.h264.flags;
  Settings &settings = session->settings;
  settings.width = params->width;
  settings.height = params->height;
  settings.num_b_frames = std::max(config.frame_interval_p - 1, 0);
  settings.keyframe_interval =
      config.frame_interval_p == 0 ? 1 : std::min(config.gop_length, session->idr_period);
  settings.rate_mode = config.rate.mode;
  settings.qp_p = config.rate.qp.p;
  settings.qp_b = config.rate.qp.b;
  settings.qp_i = config.rate.qp.i;
  settings.bits_per_second = config.rate.average_bits;
  settings.rate_num = params->rate_num;
  settings.rate_den = params->rate_den;
  simulated::note("begin_encoder %p %ux%u p %d gop %u idr %u qp %u,%u,%u rate %u flags %x",
                  static_cast<void *>(session), settings.width, settings.height,
                  config.frame_interval_p, config.gop_length, config.h264.idr_period,
                  settings.qp_p, settings.qp_b, settings.qp_i, settings.rate_mode,
                  config.h264.flags);
  const int begun = begin(*session);
  session->is_initialized = begun == success;
  return begun;
}

int make_output(Session *session, BitstreamBuffer *params) {
  if (params->version != bitstream_version) return session->fail(invalid_version, "BITSTREAM");
  auto output = std::make_unique<Output>();
  params->buffer = output.get();
  session->outputs[output.get()] = std::move(output);
  return success;
}

int destroy_output(Session *session, Output *output) {
  auto &wanted = session->wanted;
  wanted.erase(std::remove(wanted.begin(), wanted.end(), output), wanted.end());
  return session->outputs.erase(output) ? success : session->fail(invalid_param, "No output.");
}

int register_input(Session *session, RegisterResource *params) {
  if (params->version != register_version) return session->fail(invalid_version, "REGISTER");
  if (params->type != cuda_pointer || params->format != nv12)
    return session->fail(unimplemented, "The simulated encoder takes NV12 in CUDA memory only.");
  if (simulated::kind_of(params->resource) != simulated::Kind::device)
    return session->fail(invalid_param, "No memory of the GPU.");
  simulated::note("register_input %p %ux%u pitch %u", static_cast<void *>(session), params->width,
                  params->height, params->pitch);
  auto input = std::make_unique<Input>(Input{*params, false});
  params->registered = input.get();
  session->inputs[input.get()] = std::move(input);
  return success;
}

int unregister_input(Session *session, Input *input) {
  const auto found = session->inputs.find(input);
  if (found == session->inputs.end()) return session->fail(not_registered, "");
  if (found->second->is_mapped) return session->fail(invalid_call, "The input is mapped.");
  session->inputs.erase(found);
  return success;
}

int map(Session *session, MapInput *params) {
  if (params->version != map_version) return session->fail(invalid_version, "MAP_INPUT");
  const auto found = session->inputs.find(static_cast<Input *>(params->registered));
  if (found == session->inputs.end()) return session->fail(not_registered, "");
  if (found->second->is_mapped) return session->fail(invalid_call, "The input is mapped.");
  found->second->is_mapped = true;
  params->mapped = found->first;
  params->format = nv12;
  return success;
}

int unmap(Session *session, Input *input) {
  const auto found = session->inputs.find(input);
  if (found == session->inputs.end() || !found->second->is_mapped)
    return session->fail(not_mapped, "");
  found->second->is_mapped = false;
  return success;
}

int set_streams(Session *session, CUstream *input, CUstream *output) {
  session->input_stream = input ? *input : nullptr;
  session->output_stream = output ? *output : nullptr;
  simulated::note("encoder_streams %p %p %p", static_cast<void *>(session),
                  static_cast<void *>(session->input_stream),
                  static_cast<void *>(session->output_stream));
  return success;
}

int headers(Session *session, SequenceParams *params) {
  if (params->version != sequence_version) return session->fail(invalid_version, "SEQUENCE");
  if (!session->is_initialized) return session->fail(not_initialized, "");
  if (params->size < session->headers.size()) return session->fail(invalid_param, "Too small.");
  std::memcpy(params->buffer, session->headers.data(), session->headers.size());
  *params->num_bytes = static_cast<uint32_t>(session->headers.size());
  return success;
}

int refuse() {
  simulated::note("not a call of the simulated encoder");
  return unimplemented;
}

template <typename Result, typename... Args>
void put(FunctionList &list, Function place, Result (*function)(Args...)) {
  list.functions[place] = reinterpret_cast<void *>(function);
}

void fill(FunctionList &list) {
  for (void *&function : list.functions) function = reinterpret_cast<void *>(refuse);
  put(list, open_session, open);
  put(list, destroy_encoder, destroy);
  put(list, get_last_error, last_error);
  put(list, get_guid_count, count_guids);
  put(list, get_guids, list_guids);
  put(list, get_caps, caps);
  put(list, get_preset_config, preset);
  put(list, get_preset_config_ex, preset_ex);
  put(list, initialize, begin_session);
  put(list, create_bitstream, make_output);
  put(list, destroy_bitstream, destroy_output);
  put(list, register_resource, register_input);
  put(list, unregister_resource, unregister_input);
  put(list, map_input, map);
  put(list, unmap_input, unmap);
  put(list, set_streams_of, set_streams);
  put(list, get_sequence_params, headers);
  put(list, encode_picture, encode_one);
  put(list, lock_bitstream, lock);
  put(list, unlock_bitstream, unlock);
}

}  // namespace
}  // namespace nvenc

extern "C" {

int NvEncodeAPIGetMaxSupportedVersion(uint32_t *out) {
  *out = nvenc::api_version << 4;  // major version in the high bits, minor in the low four
  return nvenc::success;
}

int NvEncodeAPICreateInstance(nvenc::FunctionList *list) {
  if (!list) return nvenc::invalid_ptr;
  if (list->version != nvenc::list_version) return nvenc::invalid_version;
  nvenc::fill(*list);
  return nvenc::success;
}

}  // extern "C"

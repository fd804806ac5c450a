// The part of NVIDIA's encoder interface, version 13.0, that PyNvVideoCodec's binary uses.
//
// Names are ours; sizes, offsets and values are those of the interface. What is not used is
// left out, since all these structures are the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nvenc {

enum Status {
  success = 0,
  unsupported_device = 2,
  invalid_device = 4,
  invalid_ptr = 6,
  invalid_param = 8,
  invalid_call = 9,
  out_of_memory = 10,
  not_initialized = 11,
  unsupported_param = 12,
  invalid_version = 15,
  need_more_input = 17,
  encoder_busy = 18,
  generic = 20,
  unimplemented = 22,
  not_registered = 24,
  not_mapped = 25,
};

constexpr uint32_t api_version = 13;  // its minor version, 0, is in the highest byte
constexpr uint32_t version_of(uint32_t structure, bool is_extensible = false) {
  return api_version | structure << 16 | 7u << 28 | (is_extensible ? 1u << 31 : 0);
}

struct Guid {
  uint32_t first;
  uint16_t second, third;
  uint8_t rest[8];
  bool operator==(const Guid &other) const {
    return __builtin_memcmp(this, &other, sizeof *this) == 0;
  }
};
constexpr Guid h264{0x6bc82762, 0x4e63, 0x4ca4, {0xaa, 0x85, 0x1e, 0x50, 0xf3, 0x21, 0xf6, 0xbf}};

constexpr uint32_t nv12 = 1, cuda_device = 1, cuda_pointer = 1;
constexpr uint32_t picture_p = 0, picture_b = 1, picture_i = 2, picture_idr = 3;
constexpr uint32_t force_intra = 1, force_idr = 2, end_of_stream = 8;  // of a picture's flags
constexpr uint32_t variable_rate = 1;
constexpr uint32_t infinite = 0xFFFFFFFF;
constexpr uint32_t disable_headers = 1 << 7, repeat_headers = 1 << 12;  // of H.264's flags

struct OpenParams {
  uint32_t version, device_type;
  void *device, *reserved;
  uint32_t api_version;
};
constexpr uint32_t open_version = version_of(1);

struct CapsParam {
  uint32_t version, which;
};

struct Config {
  uint32_t version;
  Guid profile;
  uint32_t gop_length;
  int32_t frame_interval_p;  // 1: no B-frames; 0: no P-frames either
  uint32_t is_monochrome, field_mode, vector_precision;
  struct {
    uint32_t version, mode;
    struct {
      uint32_t p, b, i;
    } qp;
    uint32_t average_bits, most_bits, buffer_size, initial_delay, flags, more[12];
    uint8_t target_quality, target_quality_low;
    uint16_t lookahead_depth;
    uint32_t rest[9];
  } rate;
  struct {
    uint32_t flags, level, idr_period;
  } h264;
};
static_assert(offsetof(Config, gop_length) == 20 && offsetof(Config, rate) == 40);
static_assert(offsetof(Config, rate.lookahead_depth) == 130 && offsetof(Config, h264) == 168);
constexpr uint32_t config_version = version_of(9, true);

struct PresetConfig {
  uint32_t version, reserved;
  Config config;
};
constexpr uint32_t preset_version = version_of(5, true);

struct InitializeParams {
  uint32_t version;
  Guid codec, preset;
  uint32_t width, height, shown_width, shown_height, rate_num, rate_den;
  uint32_t is_async, decides_types, flags, private_size, reserved;
  void *private_data;
  Config *config;
  uint32_t max_width, max_height;
};
static_assert(offsetof(InitializeParams, config) == 88);
constexpr uint32_t initialize_version = version_of(7, true);

struct BitstreamBuffer {
  uint32_t version, size, heap, reserved;
  void *buffer;
};
constexpr uint32_t bitstream_version = version_of(1);

struct RegisterResource {
  uint32_t version, type, width, height, pitch, sub_index;
  void *resource, *registered;
  uint32_t format, usage;
};
constexpr uint32_t register_version = version_of(5);

struct MapInput {
  uint32_t version, sub_index;
  void *reserved, *registered, *mapped;
  uint32_t format;
};
static_assert(offsetof(MapInput, mapped) == 24);
constexpr uint32_t map_version = version_of(4);

struct PicParams {
  uint32_t version, width, height, pitch, flags, frame_index;
  uint64_t timestamp, duration;
  void *input, *output, *completion_event;
  uint32_t format, structure, type;
};
static_assert(offsetof(PicParams, input) == 40 && offsetof(PicParams, format) == 64);
constexpr uint32_t picture_version = version_of(7, true);

struct LockBitstream {
  uint32_t version, flags;
  void *output;
  uint32_t *slice_offsets;
  uint32_t frame_index, hardware_status, num_slices, num_bytes;
  uint64_t timestamp, duration;
  void *bytes;
  uint32_t type, structure, average_qp;
};
static_assert(offsetof(LockBitstream, num_bytes) == 36 && offsetof(LockBitstream, type) == 64);
constexpr uint32_t lock_version = version_of(2, true);

struct SequenceParams {
  uint32_t version, size, sps_id, pps_id;
  void *buffer;
  uint32_t *num_bytes;
};
constexpr uint32_t sequence_version = version_of(1);

// The functions in the order in which the interface lists them.
struct FunctionList {
  uint32_t version, reserved;
  void *functions[44];
};
constexpr uint32_t list_version = version_of(2);
enum Function {
  get_guid_count = 1,
  get_guids = 4,
  get_caps = 7,
  get_preset_config = 10,
  initialize = 11,
  create_bitstream = 14,
  destroy_bitstream = 15,
  encode_picture = 16,
  lock_bitstream = 17,
  unlock_bitstream = 18,
  get_sequence_params = 22,
  map_input = 25,
  unmap_input = 26,
  destroy_encoder = 27,
  open_session = 29,
  register_resource = 30,
  unregister_resource = 31,
  get_last_error = 37,
  set_streams_of = 38,
  get_preset_config_ex = 39,
};

}  // namespace nvenc

// The part of NVIDIA's decoder interface that a decoder library uses, as its binary lays it out.
#pragma once

#include <cuda.h>

using cuvid_long = unsigned long;

struct Rect16 {
  short left, top, right, bottom;
};

struct DecodeCaps {
  int codec, chroma_format;
  unsigned bit_depth_minus_8, reserved_1[3];
  unsigned char is_supported, num_engines;
  unsigned short output_formats;
  unsigned max_width, max_height, max_macroblocks;
  unsigned short min_width, min_height;
  unsigned char has_histogram, counter_bits;
  unsigned short max_bins;
  unsigned reserved_3[10];
};
static_assert(sizeof(DecodeCaps) == 88);

struct DecodeCreateInfo {
  cuvid_long width, height, num_decode_surfaces;
  int codec, chroma_format;
  cuvid_long flags, bit_depth_minus_8, is_intra_only, max_width, max_height, reserved_1;
  Rect16 display_area;
  int output_format, deinterlace_mode;
  cuvid_long target_width, target_height, num_output_surfaces;
  void *lock;
  Rect16 target_rect;
  cuvid_long has_histogram, reserved_2[4];
};

struct ReconfigureInfo {
  unsigned width, height, target_width, target_height, num_decode_surfaces, reserved_1[12];
  Rect16 display_area, target_rect;
  unsigned reserved_2[11];
};

struct VideoFormat {
  int codec;
  unsigned frame_rate_numerator, frame_rate_denominator;
  unsigned char is_progressive, luma_depth_minus_8, chroma_depth_minus_8, num_surfaces;
  unsigned coded_width, coded_height;
  int left, top, right, bottom;
  int chroma_format;
  unsigned bit_rate;
  int aspect_x, aspect_y;
  unsigned char range_bits, primaries, transfer, matrix;
  unsigned header_bytes;
};
static_assert(sizeof(VideoFormat) == 64);

struct PicParams {
  int width_in_macroblocks, height_in_macroblocks, index;
  int fields[3];
  unsigned num_bytes;
  const unsigned char *bytes;
  unsigned num_slices;
  const unsigned *slices;
  int is_reference, is_intra;
  unsigned reserved[30];
  unsigned codec_specific[1024];
};

struct DisplayInfo {
  int index, is_progressive, is_top_first, repeats;
  long long timestamp;
};

struct ProcParams {
  int is_progressive, second_field, is_top_first, unpaired_field;
  unsigned reserved_flags, reserved_zero;
  unsigned long long raw_input;
  unsigned raw_input_pitch, raw_input_format;
  unsigned long long raw_output;
  unsigned raw_output_pitch, reserved_1;
  CUstream stream;
  unsigned reserved[46];
  unsigned long long *histogram;
  void *reserved_2[1];
};

struct ParserParams {
  int codec;
  unsigned max_surfaces, clock_rate, error_threshold, max_display_delay, is_annex_b, reserved[4];
  void *user;
  int (*on_sequence)(void *, VideoFormat *);
  int (*on_decode)(void *, PicParams *);
  int (*on_display)(void *, DisplayInfo *);
  void *more[8];
};

struct DataPacket {
  cuvid_long flags, num_bytes;
  const unsigned char *bytes;
  long long timestamp;
};

struct DecodeStatus {
  int status;
  unsigned reserved[31];
  void *more[8];
};

// Bits of DataPacket::flags.
constexpr cuvid_long end_of_stream = 1, has_timestamp = 2, discontinuity = 4;

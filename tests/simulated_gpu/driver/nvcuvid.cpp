// NVIDIA's decoder as a library: what a parser and a decoder do, with pictures from PyAV.
//
// The bits are decoded in Python (`decoding.py`), which this library imports when the first
// parser is made. Pictures come to the surface late, on the stream that the caller names.

#include "nvcuvid.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "driver.hpp"
#include "python.hpp"

namespace {

constexpr size_t pitch_alignment = 512;
constexpr int num_surfaces = 20;

enum Codec { mpeg1, mpeg2, mpeg4, vc1, h264, jpeg, h264_svc, h264_mvc, hevc, vp8, vp9, av1 };
enum Chroma { monochrome, c420, c422, c444 };

// One plane: rows of pairs of Cb and Cr count as one plane of two samples.
struct Plane {
  int width, height, num_samples;
  std::vector<unsigned char> bytes;
};

struct Picture {
  int width, height, chroma_format, bit_depth;
  std::vector<Plane> planes;
  long long timestamp;

  bool has_form_of(const Picture &other) const {
    return width == other.width && height == other.height &&
           chroma_format == other.chroma_format && bit_depth == other.bit_depth;
  }
  int sample_bytes() const { return bit_depth > 8 ? 2 : 1; }
};

struct Parser {
  ParserParams params;
  std::shared_ptr<Picture> last;
  int next_index = 0;
};

struct Output {
  CUdeviceptr memory = 0;
  bool is_mapped = false;
};

struct Decoder {
  DecodeCreateInfo info;
  std::map<int, std::shared_ptr<Picture>> surfaces;
  std::vector<Output> outputs;
  size_t output_bytes = 0;
};

thread_local std::shared_ptr<Picture> being_decoded;

// What Python gives: called with the parser; parse gives pictures by `simulated_picture`.
struct Decoding {
  void (*open)(void *parser, int codec);
  void (*parse)(void *parser, const void *bytes, size_t num_bytes, int flags, long long time);
  void (*close)(void *parser);
};
Decoding decoding{};

bool import_decoding() {
  return simulated::import_once("import tests.simulated_gpu.decoding",
                                [] { return decoding.open != nullptr; });
}

size_t align(size_t value, size_t to) { return (value + to - 1) / to * to; }

bool is_supported(int codec, int chroma, int depth) {  // as on an H100
  if (codec == av1 || codec == jpeg || codec > av1) return false;
  if (codec == hevc) return (chroma == c420 || chroma == c444) && depth <= 12;
  if (codec == vp9) return chroma == c420 && depth <= 12;
  return chroma == c420 && depth == 8;
}

size_t pitch_of(const Decoder &decoder) {
  const int sample_bytes = decoder.info.bit_depth_minus_8 > 0 ? 2 : 1;
  return align(decoder.info.target_width * sample_bytes, pitch_alignment);
}

size_t rows_of(const Decoder &decoder) { return align(decoder.info.target_height, 2); }

// Writes a picture to a surface, scaled to the decoder's target as the hardware does.
void write_surface(unsigned char *out, size_t pitch, size_t rows, const DecodeCreateInfo &info,
                   const Picture &picture) {
  const bool has_area = info.display_area.right > info.display_area.left;
  const size_t area_width =
      has_area ? info.display_area.right - info.display_area.left : info.width;
  const size_t area_height =
      has_area ? info.display_area.bottom - info.display_area.top : info.height;
  for (size_t n = 0; n < picture.planes.size(); ++n) {
    const Plane &plane = picture.planes[n];
    const size_t unit = plane.num_samples * picture.sample_bytes();
    const size_t step_x = n == 0 || picture.chroma_format == c444 ? 1 : 2;
    const size_t step_y = n > 0 && picture.chroma_format == c420 ? 2 : 1;
    const size_t width = align(info.target_width, 2) / step_x;
    const size_t height = align(info.target_height, step_y) / step_y;
    unsigned char *const first = out + n * pitch * rows;
    for (size_t y = 0; y < height; ++y) {
      const size_t source_y =
          std::min<size_t>(y * area_height / info.target_height, plane.height - 1);
      for (size_t x = 0; x < width; ++x) {
        const size_t source_x =
            std::min<size_t>(x * area_width / info.target_width, plane.width - 1);
        std::memcpy(first + y * pitch + x * unit,
                    plane.bytes.data() + (source_y * plane.width + source_x) * unit, unit);
      }
    }
  }
}

CUresult make_outputs(Decoder &decoder) {
  for (Output &output : decoder.outputs) cuMemFree(output.memory);
  decoder.output_bytes = pitch_of(decoder) * rows_of(decoder) * 3;
  decoder.outputs.assign(std::max<size_t>(decoder.info.num_output_surfaces, 1), {});
  for (Output &output : decoder.outputs) {
    const CUresult status = cuMemAlloc(&output.memory, decoder.output_bytes);
    if (status != CUDA_SUCCESS) return status;
  }
  return CUDA_SUCCESS;
}

}  // namespace

extern "C" {

void simulated_decoding(Decoding hooks) { decoding = hooks; }

// Hands a decoded picture to the parser's owner. Planes follow each other without gaps.
int simulated_picture(Parser *parser, int width, int height, int chroma_format, int bit_depth,
                      long long timestamp, const unsigned char *bytes) {
  auto picture = std::make_shared<Picture>(
      Picture{width, height, chroma_format, bit_depth, {}, timestamp});
  const int sample_bytes = picture->sample_bytes();
  auto take = [&](int plane_width, int plane_height, int num_samples) {
    const size_t size = static_cast<size_t>(plane_width) * plane_height * num_samples * sample_bytes;
    picture->planes.push_back({plane_width, plane_height, num_samples, {bytes, bytes + size}});
    bytes += size;
  };
  take(width, height, 1);
  if (chroma_format == c444) {
    take(width, height, 1);
    take(width, height, 1);
  } else {
    take((width + 1) / 2, chroma_format == c420 ? (height + 1) / 2 : height, 2);
  }

  const ParserParams &params = parser->params;
  if (!parser->last || !parser->last->has_form_of(*picture)) {
    VideoFormat format{};
    format.codec = params.codec;
    format.frame_rate_numerator = 30;
    format.frame_rate_denominator = 1;
    format.is_progressive = 1;
    format.luma_depth_minus_8 = format.chroma_depth_minus_8 = bit_depth - 8;
    format.num_surfaces = 8;
    format.coded_width = align(width, 16);
    format.coded_height = align(height, 16);
    format.right = width;
    format.bottom = height;
    format.chroma_format = chroma_format;
    if (!params.on_sequence(params.user, &format)) return 1;
  }
  parser->last = picture;
  auto pic = std::make_unique<PicParams>();
  pic->width_in_macroblocks = align(width, 16) / 16;
  pic->height_in_macroblocks = align(height, 16) / 16;
  pic->index = parser->next_index++ % num_surfaces;
  being_decoded = picture;
  if (!params.on_decode(params.user, pic.get())) return 1;
  DisplayInfo shown{pic->index, 1, 0, 0, timestamp};
  return params.on_display(params.user, &shown) ? 0 : 1;
}

CUresult cuvidCreateVideoParser(void **out, ParserParams *params) {
  if (!import_decoding()) return CUDA_ERROR_NOT_INITIALIZED;
  auto *parser = new Parser{*params, nullptr};
  decoding.open(parser, params->codec);
  *out = parser;
  return CUDA_SUCCESS;
}

CUresult cuvidParseVideoData(void *parser, DataPacket *packet) {
  decoding.parse(parser, packet->bytes, packet->num_bytes, static_cast<int>(packet->flags),
                 packet->timestamp);
  return CUDA_SUCCESS;
}

CUresult cuvidDestroyVideoParser(void *parser) {
  decoding.close(parser);
  delete static_cast<Parser *>(parser);
  return CUDA_SUCCESS;
}

CUresult cuvidGetDecoderCaps(DecodeCaps *caps) {
  CUcontext context = nullptr;
  cuCtxGetCurrent(&context);
  if (!context) return CUDA_ERROR_INVALID_CONTEXT;
  caps->is_supported =
      is_supported(caps->codec, caps->chroma_format, static_cast<int>(caps->bit_depth_minus_8) + 8);
  caps->num_engines = 7;
  caps->output_formats = 0xF;
  caps->max_width = caps->max_height = 8192;
  caps->max_macroblocks = 262144;
  caps->min_width = caps->min_height = 16;
  return CUDA_SUCCESS;
}

CUresult cuvidCreateDecoder(void **out, DecodeCreateInfo *info) {
  auto decoder = std::make_unique<Decoder>();
  decoder->info = *info;
  simulated::note("create_decoder %lu %lu", info->width, info->height);
  const CUresult status = make_outputs(*decoder);
  if (status == CUDA_SUCCESS) *out = decoder.release();
  return status;
}

CUresult cuvidDestroyDecoder(void *handle) {
  auto *decoder = static_cast<Decoder *>(handle);
  for (Output &output : decoder->outputs) cuMemFree(output.memory);
  delete decoder;
  return CUDA_SUCCESS;
}

CUresult cuvidReconfigureDecoder(void *handle, ReconfigureInfo *info) {
  auto *decoder = static_cast<Decoder *>(handle);
  simulated::note("reconfigure_decoder %u %u", info->width, info->height);
  if (info->width > decoder->info.max_width || info->height > decoder->info.max_height)
    return CUDA_ERROR_INVALID_VALUE;
  decoder->info.width = info->width;
  decoder->info.height = info->height;
  decoder->info.target_width = info->target_width;
  decoder->info.target_height = info->target_height;
  decoder->info.display_area = info->display_area;
  return make_outputs(*decoder);
}

CUresult cuvidDecodePicture(void *handle, PicParams *params) {
  static_cast<Decoder *>(handle)->surfaces[params->index] = being_decoded;
  return CUDA_SUCCESS;
}

CUresult cuvidGetDecodeStatus(void *, int, DecodeStatus *out) {
  out->status = 2;  // decoded without an error
  return CUDA_SUCCESS;
}

CUresult cuvidMapVideoFrame64(void *handle, int index, unsigned long long *out, unsigned *pitch,
                              ProcParams *params) {
  auto *decoder = static_cast<Decoder *>(handle);
  const auto free = std::find_if(decoder->outputs.begin(), decoder->outputs.end(),
                                 [](const Output &output) { return !output.is_mapped; });
  if (free == decoder->outputs.end()) return CUDA_ERROR_MAP_FAILED;
  free->is_mapped = true;
  *out = free->memory;
  *pitch = static_cast<unsigned>(pitch_of(*decoder));
  auto *memory = reinterpret_cast<unsigned char *>(free->memory);
  return simulated::queue(
      params->stream, [memory, pitch = *pitch, rows = rows_of(*decoder), info = decoder->info,
                       picture = decoder->surfaces[index]] {
        write_surface(memory, pitch, rows, info, *picture);
      });
}

CUresult cuvidUnmapVideoFrame64(void *handle, unsigned long long memory) {
  for (Output &output : static_cast<Decoder *>(handle)->outputs)
    if (output.memory == memory) output.is_mapped = false;
  return CUDA_SUCCESS;
}

CUresult cuvidCtxLockCreate(void **out, CUcontext) {
  *out = new std::recursive_mutex;
  return CUDA_SUCCESS;
}

CUresult cuvidCtxLockDestroy(void *lock) {
  delete static_cast<std::recursive_mutex *>(lock);
  return CUDA_SUCCESS;
}

CUresult cuvidCtxLock(void *lock, unsigned) {
  static_cast<std::recursive_mutex *>(lock)->lock();
  return CUDA_SUCCESS;
}

CUresult cuvidCtxUnlock(void *lock, unsigned) {
  static_cast<std::recursive_mutex *>(lock)->unlock();
  return CUDA_SUCCESS;
}

// A decoder library looks these up and does not call them.
CUresult cuvidCreateVideoSource() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidCreateVideoSourceW() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidDestroyVideoSource() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidSetVideoSourceState() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidGetVideoSourceState() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidGetSourceVideoFormat() { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult cuvidGetSourceAudioFormat() { return CUDA_ERROR_NOT_SUPPORTED; }

}  // extern "C"

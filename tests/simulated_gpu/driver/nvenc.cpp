// The encoder's library of a GPU without encoders: it tells its version, and opens no session.

#include <cstdint>

extern "C" {

int NvEncodeAPIGetMaxSupportedVersion(uint32_t *out) {
  *out = 13 << 4;  // major version in the high bits, minor in the low four
  return 0;
}

int NvEncodeAPICreateInstance(void *) { return 2; }  // NV_ENC_ERR_UNSUPPORTED_DEVICE

}  // extern "C"

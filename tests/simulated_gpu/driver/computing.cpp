// Lets torch compute on simulated GPUs, whose memory is the host's, with the CPU's code.
//
// A kernel on a GPU is ordered by its stream. Here the thread waits for its current stream and
// computes at once: what other streams have not done yet, the computation does not see. Where
// the stream is captured nothing is computed but the shapes; the graph gets the operation with
// the memory that it names, and computes at each replay when its stream comes to it.

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver.hpp"

extern "C" int simulated_is_in_another_context();

namespace {

using at::Tensor;
using c10::IValue;
using torch::jit::Stack;
using Change = std::function<Tensor(const Tensor &)>;
using Pairs = std::vector<std::pair<Tensor, Tensor>>;

// What makes or looks at tensors, or copies by the runtime's own calls: torch's code is right.
const std::set<std::string> torchs_own = {
    "_efficientzerotensor",
    "_local_scalar_dense",
    "_reshape_alias",
    "as_strided",
    "copy_",
    "cudnn_is_acceptable",
    "empty.memory_format",
    "empty_strided",
    "is_set_to",
    "record_stream",
    "resize_",
    "set_",
    "set_.source_Storage",
    "set_.source_Storage_storage_offset",
    "set_.source_Tensor",
    "unfold",
    "view",
    "view_as_complex",
    "view_as_real",
};

void check(CUresult status) { C10_CUDA_CHECK(static_cast<cudaError_t>(status)); }

cudaStream_t current_stream(c10::Device device) {
  return c10::cuda::getCurrentCUDAStream(device.index()).stream();
}

// Blocks until the stream would come to a kernel that is launched now.
void catch_up(cudaStream_t stream) {
  check(simulated::queue(stream, [] {}, false));
  simulated::drain(stream);
}

// Returns a tensor of the host over the memory of one of a simulated GPU.
Tensor host_view(const Tensor &tensor) {
  if (!tensor.is_cuda()) return tensor;
  const auto options = tensor.options().device(at::kCPU);
  if (tensor.numel() == 0) return at::empty_strided(tensor.sizes(), tensor.strides(), options);
  return at::for_blob(const_cast<void *>(tensor.const_data_ptr()), tensor.sizes())
      .strides(tensor.strides())
      .options(options)
      .make_tensor();
}

// Returns a tensor of the host of the same form: there is nothing yet in what is captured.
Tensor blank(const Tensor &tensor) {
  const auto options = tensor.options().device(at::kCPU);
  return at::empty_strided(tensor.sizes(), tensor.strides(), options).zero_();
}

// Returns a value with other tensors in it, and the host where it names a GPU.
IValue changed(const IValue &value, const Change &change) {
  if (value.isTensor())
    return value.toTensor().defined() ? IValue(change(value.toTensor())) : value;
  if (value.isDevice()) return IValue(c10::Device(at::kCPU));
  if (value.isTensorList()) {
    c10::List<Tensor> all;
    for (const Tensor &tensor : value.toTensorVector())
      all.push_back(tensor.defined() ? change(tensor) : tensor);
    return all;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> all;
    for (const std::optional<Tensor> &tensor : value.toOptionalTensorVector())
      all.push_back(tensor && tensor->defined() ? std::optional(change(*tensor)) : tensor);
    return all;
  }
  return value;
}

Stack changed(const Stack &values, const Change &change) {
  Stack all;
  for (const IValue &value : values) all.push_back(changed(value, change));
  return all;
}

std::vector<Tensor> tensors_of(const Stack &values) {
  std::vector<Tensor> all;
  changed(values, [&all](const Tensor &tensor) {
    all.push_back(tensor);
    return tensor;
  });
  return all;
}

c10::Device device_of(const Stack &arguments) {
  for (const Tensor &tensor : tensors_of(arguments))
    if (tensor.is_cuda()) return tensor.device();
  for (const IValue &value : arguments)
    if (value.isDevice() && value.toDevice().is_cuda())
      return c10::Device(at::kCUDA, value.toDevice().has_index() ? value.toDevice().index()
                                                                 : c10::cuda::current_device());
  return c10::Device(at::kCUDA, c10::cuda::current_device());
}

Stack call(const c10::OperatorHandle &op, Stack values) {
  at::AutoDispatchBelowADInplaceOrView guard;
  op.callBoxed(&values);
  return values;
}

// Says whether a GPU's kernel for it reads what it has found back to the host: how much that
// is decides the shape of the result.
bool waits(const c10::OperatorHandle &op, const std::vector<Tensor> &tensors) {
  if (op.hasTag(at::Tag::dynamic_output_shape) || op.hasTag(at::Tag::data_dependent_output))
    return true;
  if (op.schema().name().rfind("aten::index", 0) != 0) return false;
  return std::any_of(tensors.begin() + 1, tensors.end(), [](const Tensor &index) {
    return index.scalar_type() == at::kBool || index.scalar_type() == at::kByte ||
           (!index.is_cuda() && index.dim() > 0);
  });
}

// Returns a result as a tensor of the GPU: an argument itself, or a new one.
Tensor on_device(const Tensor &found, const Pairs &arguments, c10::Device device) {
  for (const auto &[given, host] : arguments) {
    if (!host.is_same(found)) continue;
    if (given.sizes() != found.sizes()) given.resize_(found.sizes());  // an empty "out"
    return given;
  }
  return at::empty_strided(found.sizes(), found.strides(), found.options().device(device));
}

void compute(const c10::OperatorHandle &op, const Stack &arguments, Stack *out) {
  const c10::Device device = device_of(arguments);
  catch_up(current_stream(device));
  Pairs pairs;
  Stack found = call(op, changed(arguments, [&pairs](const Tensor &given) {
                       pairs.emplace_back(given, host_view(given));
                       return pairs.back().second;
                     }));
  *out = changed(found, [&](const Tensor &result) {
    const Tensor there = on_device(result, pairs, device);
    if (result.numel() && there.const_data_ptr() != result.const_data_ptr())
      host_view(there).copy_(result);
    return there;
  });
}

void record(const c10::OperatorHandle &op, const Stack &arguments, Stack *out) {
  const c10::Device device = device_of(arguments);
  Pairs pairs;
  const Stack shapes = call(op, changed(arguments, [&pairs](const Tensor &given) {
                              // A number is a parameter of the kernel.
                              pairs.emplace_back(given, given.is_cuda() ? blank(given)
                                                                        : given.clone());
                              return pairs.back().second;
                            }));
  *out = changed(shapes,
                 [&](const Tensor &found) { return on_device(found, pairs, device); });
  std::vector<Tensor> results;
  for (const Tensor &result : tensors_of(*out)) results.push_back(host_view(result));
  size_t next = 0;
  const Stack views = changed(arguments, [&](const Tensor &given) {
    const Tensor &copy = pairs[next++].second;
    return given.is_cuda() ? host_view(given) : copy;
  });
  check(simulated::queue(
      current_stream(device),
      [op, views, results] {
        c10::InferenceMode guard;
        const std::vector<Tensor> found = tensors_of(call(op, views));
        for (size_t n = 0; n < results.size(); ++n)
          if (results[n].numel() && results[n].const_data_ptr() != found[n].const_data_ptr())
            results[n].copy_(found[n]);
      },
      false));
}

void on_the_host(const c10::OperatorHandle &op, Stack *stack) {
  // Another context has neither torch's streams nor its memory.
  if (simulated_is_in_another_context()) check(CUDA_ERROR_INVALID_HANDLE);
  const size_t num = op.schema().arguments().size();
  const Stack arguments = torch::jit::pop(*stack, num);
  const c10::Device device = device_of(arguments);
  const c10::cuda::CUDAGuard guard(device);
  if (waits(op, tensors_of(arguments))) check(cuStreamSynchronize(current_stream(device)));
  Stack results;
  (simulated::is_captured(current_stream(device)) ? record : compute)(op, arguments, &results);
  for (IValue &result : results) stack->push_back(std::move(result));
}

bool is_dense(const Tensor &tensor) { return tensor.is_non_overlapping_and_dense(); }

bool is_alike(const Tensor &one, const Tensor &other) {
  return one.dtype() == other.dtype() && one.sizes() == other.sizes() &&
         one.strides() == other.strides() && is_dense(one);
}

// Lets `stream` wait for what `other` has to do now.
void put_behind(cudaStream_t stream, cudaStream_t other) {
  CUevent event;
  check(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
  check(cuEventRecord(event, other));
  check(cuStreamWaitEvent(stream, event, 0));
  check(cuEventDestroy(event));
}

// From GPU to GPU it is the source's stream that copies, and both wait for each other.
void copy_bytes(const Tensor &target, const Tensor &source, bool is_async) {
  const c10::Device device = source.is_cuda() ? source.device() : target.device();
  const c10::cuda::CUDAGuard guard(device);
  const cudaStream_t stream = current_stream(device);
  const bool is_crossing = target.is_cuda() && target.device() != device;
  if (is_crossing) put_behind(stream, current_stream(target.device()));
  check(simulated::copy(target.data_ptr(), source.const_data_ptr(), target.nbytes(), stream,
                        true));
  if (is_crossing) put_behind(current_stream(target.device()), stream);
  if (!is_async && !(target.is_cuda() && source.is_cuda())) check(cuStreamSynchronize(stream));
}

// Copies where the elements have to be taken one by one: a kernel's work.
void copy_by_kernel(const Tensor &target, const Tensor &source) {
  const Tensor to = host_view(target), from = host_view(source);
  for (const c10::Device device : {target.device(), source.device()}) {
    const c10::cuda::CUDAGuard guard(device);
    if (!simulated::is_captured(current_stream(device))) catch_up(current_stream(device));
  }
  const c10::cuda::CUDAGuard guard(source.device());
  const cudaStream_t stream = current_stream(source.device());
  if (!simulated::is_captured(stream)) {
    to.copy_(from);
    return;
  }
  check(simulated::queue(
      stream,
      [to, from] {
        c10::InferenceMode inference;
        to.copy_(from);
      },
      false));
}

// Copies as torch does: by the runtime where the memory is alike, else by computing.
Tensor &copy(Tensor &target, const Tensor &source, bool non_blocking) {
  if (target.numel() == 0 || source.numel() == 0) return target;
  if (is_alike(target, source)) {
    copy_bytes(target, source, non_blocking);
  } else if (target.is_cuda() && source.is_cuda()) {
    copy_by_kernel(target, source);
  } else if (target.is_cuda()) {
    const auto options = target.options().device(at::kCPU);
    const Tensor like = at::empty_strided(target.sizes(), target.strides(), options);
    if (is_dense(like))
      copy_bytes(target, like.copy_(source), false);
    else
      copy_by_kernel(target, source.to(target.device()));
  } else {
    const Tensor packed = source.to(target.dtype()).contiguous();
    const Tensor host = at::empty(packed.sizes(), packed.options().device(at::kCPU));
    copy_bytes(host, packed, false);
    target.copy_(host);
  }
  return target;
}

// torch says once that a kernel is replaced; here all of them are.
struct Silence : c10::WarningHandler {
  void process(const c10::Warning &) override {}
};

void replace(const std::string &space) {
  static std::vector<torch::Library> libraries;  // a kernel lasts as long as its library
  libraries.emplace_back(torch::Library::IMPL, space, c10::DispatchKey::CUDA, __FILE__, __LINE__);
  torch::Library &library = libraries.back();
  const auto found =
      c10::Dispatcher::singleton().getRegistrationsForDispatchKey(c10::DispatchKey::CUDA);
  for (const c10::OperatorName &name : found) {
    if (name.getNamespace() != space) continue;
    const std::string full = c10::toString(name).substr(space.size() + 2);
    if (torchs_own.count(full) == 0)
      library.impl(full.c_str(), torch::CppFunction::makeFromBoxedFunction<&on_the_host>());
  }
  if (space != "aten") return;
  library.impl("copy_", TORCH_FN(copy));
  // torch chooses a library for CUDA below this one; the CPU's code has its own below it, too
  library.impl("convolution", torch::CppFunction::makeFromBoxedFunction<&on_the_host>());
}

}  // namespace

// Replaces what torch would launch kernels for, in this process.
extern "C" void compute_on_the_host() {
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  for (const char *space : {"aten", "torchvision"}) replace(space);
}

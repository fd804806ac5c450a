#!/usr/bin/env bash
# Run the GPU tests and the GPU benchmark, from what tests/gpu/pack.sh packed.
# Each file of tests has its own time, so that one that hangs costs no other its result.
# usage: tests/gpu/run.sh DIR OUT [SECONDS] [FILE_OF_TESTS ...]
#   OUT gets machine.txt, doctor.json, tests.txt and gpu.json; SECONDS (540) are for all of it.
#   PYTHON names the interpreter (python3), GPU_BENCHMARK its options.
set -uo pipefail
begin=$SECONDS
dir=$(realpath "$1") out=$(realpath "$2") limit=${3:-540}
shift $(($# < 3 ? $# : 3))
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
left() { echo $((limit - (SECONDS - begin))); }
for_benchmark=$((limit * 2 / 5))

tar -xJf "$dir/gpu_tests.tar.xz" -C "$work" || exit 1
export PYTHONPATH="$PWD:$work/site" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
export VIDEOFLOW_TEST_DATA="$work/data" VIDEOFLOW_WEIGHTS="$work/data/weights"
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 # others' plugins warn, and warnings are errors
export VIDEOFLOW_REQUIRE_GPU="${VIDEOFLOW_REQUIRE_GPU:-1}" TRITON_CACHE_DIR="$work/triton"

{
  nvidia-smi
  ldconfig -p | grep -E "libcuda|nvcuvid|nvidia-encode|nvidia-ml"
  uname -r
  "$python" -m pip list
} >"$out/machine.txt" 2>&1
"$python" -c "from videoflow.app.cli import main; main()" doctor --json >"$out/doctor.json" 2>"$out/doctor.txt"

status=0
files=("$@")
[ ${#files[@]} = 0 ] && files=(slots decode inference graphs no_copies people_counting encode two_gpus)
for name in "${files[@]}"; do
  seconds=$((($(left) - for_benchmark) * 2 / 3))  # what one file leaves, the next may use
  echo "== tests/gpu/test_$name.py, at most $seconds s" | tee -a "$out/tests.txt"
  timeout -k 5 "$seconds" "$python" -m pytest -v -rA --durations=5 -p no:cacheprovider \
    "tests/gpu/test_$name.py" >"$work/log" 2>&1 || status=1
  cat "$work/log" >>"$out/tests.txt"
  grep -E "^(FAILED|ERROR) |passed|failed|skipped|error" "$work/log" | tail -n 20
done

# shellcheck disable=SC2086 # several options in one word
timeout -k 5 "$(left)" "$python" benchmarks/gpu.py --json "$out/gpu.json" \
  --source "$work/data/video/vtest_h264.mp4" --budget-seconds "$(($(left) - 10))" \
  ${GPU_BENCHMARK:-} >"$out/benchmark.txt" 2>&1 || status=1
tail -n 60 "$out/benchmark.txt"
exit $status

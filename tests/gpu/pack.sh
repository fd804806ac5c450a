#!/usr/bin/env bash
# Pack what the GPU tests need on a machine without a network, which has an NVIDIA driver,
# Python, torch, torchvision and pytest, but neither our other packages nor the test data.
# usage: tests/gpu/pack.sh DIR TEST_DATA [PYTHON_VERSION]
set -euo pipefail
dir=$1 data=$2 version=${3:-3.12}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

platforms=()  # pip takes each glibc by its own name only
for n in 39 34 31 28 27 24 17 12 5; do platforms+=(--platform "manylinux_2_${n}_x86_64"); done
python3 -m pip install -q --target "$work/site" --no-compile --only-binary=:all: \
  --implementation cp --python-version "$version" "${platforms[@]}" \
  --platform manylinux2014_x86_64 --platform manylinux1_x86_64 \
  av cloudpickle hypothesis psutil pydantic PyNvVideoCodec PyYAML rich typer
python3 -m pip install -q --target "$work/site" --no-compile --no-deps trackeval  # not its plots
# Not needed to run: the source of PyNvVideoCodec's FFmpeg, samples, libraries by a second name.
rm -rf "$work"/site/{external,samples,benchmarks,bin} \
  "$work"/site/PyNvVideoCodec/lib*.so{,.*.*}

mkdir -p "$dir" "$work"/data/{video,pets09_vtest}
cp -r "$data"/decode "$data"/weights "$data"/reid "$work/data"
cp "$data"/video/vtest_h264.mp4 "$work/data/video"
cp "$data"/pets09_vtest/*gt_frames* "$work/data/pets09_vtest"
XZ_OPT=-6 tar -cJf "$dir/gpu_tests.tar.xz" -C "$work" site data
ls -l "$dir/gpu_tests.tar.xz"

I=/tmp/w/venv/lib/python3.11/site-packages/triton/backends/nvidia/include
O=/tmp/w/scratch-me/sim
F="-std=c++17 -O1 -g -Wall -Wextra -fPIC -shared -pthread -I$I -L$O"
g++ $F -Wl,-soname,libcuda.so.1 -o $O/libcuda.so.1 accounts.cpp streams.cpp handles.cpp contexts.cpp memory.cpp || exit 1
# which runtime calls torch wants that are not here
nm -D --undefined-only /tmp/w/venv/lib/python3.11/site-packages/torch/lib/lib{c10_cuda,torch_cuda,torch_python,torch_cuda_linalg,torch_nvshmem}.so /tmp/w/venv/lib/python3.11/site-packages/nvidia/*/lib/*.so* 2>/dev/null| grep "@libcudart.so.13" | awk '{print $2}' | sed 's/@.*//' | sort -u > $O/want.txt
g++ $F -Wl,-soname,libcudart.so.13 -o $O/libcudart.tmp cudart.cpp -l:libcuda.so.1 || exit 1
nm -D --defined-only $O/libcudart.tmp | awk '{print $3}' | sort -u > $O/have.txt
comm -23 $O/want.txt $O/have.txt > $O/absent.txt
{ echo '#include <cstdio>'; echo 'extern "C" {'; for f in $(cat $O/absent.txt); do echo "int $f() { std::fprintf(stderr, \"simulated GPU: $f is not simulated\\n\"); return 801; }"; done; echo '}'; } > $O/absent.cpp
echo 'libcudart.so.13 { global: *; };' > $O/cudart.map
g++ $F -Wl,-soname,libcudart.so.13 -Wl,--version-script=$O/cudart.map -o $O/libcudart.so.13 cudart.cpp $O/absent.cpp -l:libcuda.so.1 -Wl,-rpath,'$ORIGIN' || exit 1
rm $O/libcudart.tmp
for l in nvcuvid:nvcuvid nvml:nvidia-ml nvenc:nvidia-encode; do
g++ $F -Wl,-soname,lib${l#*:}.so.1 -o $O/lib${l#*:}.so.1 ${l%:*}.cpp -l:libcuda.so.1 -Wl,-rpath,'$ORIGIN' || exit 1
done

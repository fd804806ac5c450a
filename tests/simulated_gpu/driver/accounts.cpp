// What every process has of the GPUs, in a file that all of them map.

#include "accounts.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace simulated {
namespace {

constexpr int max_processes = 512;

struct Account {
  std::atomic<int> pid;
  std::atomic<long long> bytes[max_devices];
  std::atomic<int> num_encoders;
};

Account *open_book() {
  const char *path = std::getenv("SIMULATED_GPU_BOOK");
  const size_t size = sizeof(Account) * max_processes;
  const int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (fd >= 0 && ftruncate(fd, size) != 0) std::abort();
  const int flags = fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
  void *book = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (fd >= 0) close(fd);
  if (book == MAP_FAILED) std::abort();
  return static_cast<Account *>(book);
}

Account *book() {
  static Account *const pages = open_book();
  return pages;
}

bool is_alive(int pid) { return kill(pid, 0) == 0; }

Account &own() {
  static std::atomic<int> owner{0};
  static std::atomic<Account *> found{nullptr};
  const int pid = getpid();  // another one after a fork
  if (owner == pid) return *found;
  for (int n = 0; n < max_processes; ++n) {
    Account &account = book()[n];
    int taken = account.pid;
    if (taken != 0 && is_alive(taken)) continue;
    if (!account.pid.compare_exchange_strong(taken, pid)) continue;
    for (auto &bytes : account.bytes) bytes = 0;
    account.num_encoders = 0;
    found = &account;
    owner = pid;
    return account;
  }
  std::fprintf(stderr, "simulated GPU: more than %d processes\n", max_processes);
  std::abort();
}

// Adds up over all processes that live.
template <typename Value>
long long sum(Value value) {
  long long sum = 0;
  for (int n = 0; n < max_processes; ++n) {
    Account &account = book()[n];
    const int pid = account.pid;
    if (pid != 0 && is_alive(pid)) sum += value(account);
  }
  return sum;
}

}  // namespace

void charge(int device, long long num_bytes) { own().bytes[device] += num_bytes; }

size_t used_bytes(int device) {
  return static_cast<size_t>(sum([=](Account &account) { return account.bytes[device].load(); }));
}

void add_encoder(int num) { own().num_encoders += num; }

int count_encoders() {
  return static_cast<int>(sum([](Account &account) { return account.num_encoders.load(); }));
}

}  // namespace simulated

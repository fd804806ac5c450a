// What the libraries for video let Python do for them, in the process that has loaded them.
#pragma once

#include <dlfcn.h>

namespace simulated {

// Imports a module that hands its functions over, unless `is_there` says that it has.
template <typename Check>
bool import_once(const char *statement, Check is_there) {
  // Under the interpreter's lock, which a caller may hold: a lock of our own could be waited
  // for by whoever holds it.
  const auto ensure = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "PyGILState_Ensure"));
  const auto release = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "PyGILState_Release"));
  const auto run = reinterpret_cast<int (*)(const char *, void *)>(
      dlsym(RTLD_DEFAULT, "PyRun_SimpleStringFlags"));
  if (!ensure || !release || !run) return false;
  const int state = ensure();
  if (!is_there()) run(statement, nullptr);
  const bool is_done = is_there();
  release(state);
  return is_done;
}

}  // namespace simulated

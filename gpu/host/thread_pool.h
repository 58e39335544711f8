// Threads for short, even work. The caller takes part, so nothing ever waits for a worker to wake.
//
// Several threads may run jobs at once; idle workers help whichever has items left. An idle worker
// looks for work for about 20 microseconds and then sleeps, so that an idle engine costs nothing
// and a busy neighbour is not slowed down.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace assay::gpu::host {

class ThreadPool {
 public:
  // `threads` counts the caller, so threads - 1 are started. 0 = one per core.
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The largest number of threads that one job can have; slots are below it.
  unsigned threads() const { return static_cast<unsigned>(workers_.size()) + 1; }

  // CPU time of the started threads so far; the callers' own is not in it.
  std::chrono::microseconds worker_cpu_time();

  // Calls work(item, slot) for each item in [0, count), in any order, on several threads; returns
  // when all are done. `slot` < threads() is the caller's (0) or a worker's own, for scratch
  // memory. `work` must not throw and must not call run() of the same pool.
  template <class Work>
  void run(std::size_t count, Work&& work) {
    if (count == 0) return;
    if (count == 1 || workers_.empty()) {
      for (std::size_t item = 0; item < count; ++item) work(item, 0u);
      return;
    }
    using Plain = std::remove_reference_t<Work>;
    Job job;
    job.count = count;
    job.work = &work;
    job.call = [](void* target, std::size_t item, unsigned slot) {
      (*static_cast<Plain*>(target))(item, slot);
    };
    run_job(job);
  }

 private:
  struct Job {
    std::atomic<std::size_t> next{0};
    std::size_t count = 0;
    void* work = nullptr;
    void (*call)(void*, std::size_t, unsigned) = nullptr;
    std::atomic<std::uint32_t> visitors{0};  // workers inside
  };

  void run_job(Job& job);
  void work_loop(unsigned slot);
  bool help_once(unsigned slot);

  std::mutex mutex_;
  std::vector<Job*> jobs_;                // guarded by mutex_; only jobs that may have items left
  std::atomic<std::uint32_t> posted_{0};  // grows with each job, so that sleepers wake
  std::atomic<bool> is_stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace assay::gpu::host

#include "gpu/host/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "gpu/host/float_mode.h"

namespace assay::gpu::host {
namespace {

constexpr std::chrono::microseconds kSpin{20};
constexpr unsigned kThreadsMax = 256;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until `word` is no longer `seen`: briefly awake, then asleep.
template <class Word, class Value>
void wait_for_change(const Word& word, Value seen) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (word.load(std::memory_order_acquire) != seen) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  word.wait(seen, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(unsigned threads) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min(threads, kThreadsMax);
  for (unsigned slot = 1; slot < threads; ++slot) {
    workers_.emplace_back([this, slot] { work_loop(slot); });
  }
}

ThreadPool::~ThreadPool() {
  is_stopping_.store(true);
  posted_.fetch_add(1);
  posted_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

std::chrono::microseconds ThreadPool::worker_cpu_time() {
  std::chrono::nanoseconds total{0};
  for (std::thread& worker : workers_) {
    clockid_t clock{};
    timespec used{};
    if (::pthread_getcpuclockid(worker.native_handle(), &clock) != 0) continue;
    if (::clock_gettime(clock, &used) != 0) continue;
    total += std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(total);
}

void ThreadPool::run_job(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(&job);
  }
  posted_.fetch_add(1, std::memory_order_release);
  posted_.notify_all();
  for (std::size_t item = job.next.fetch_add(1); item < job.count; item = job.next.fetch_add(1)) {
    job.call(job.work, item, 0);
  }
  {
    const std::lock_guard lock(mutex_);
    std::erase(jobs_, &job);
  }
  // No worker can enter any more; wait for those inside to finish the item they hold.
  for (std::uint32_t inside = job.visitors.load(std::memory_order_acquire); inside != 0;
       inside = job.visitors.load(std::memory_order_acquire)) {
    wait_for_change(job.visitors, inside);
  }
  // The last visitor leaves under the lock; taking it once means that it no longer touches the job.
  const std::lock_guard lock(mutex_);
}

bool ThreadPool::help_once(unsigned slot) {
  Job* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto open = std::find_if(jobs_.begin(), jobs_.end(),
                                   [](const Job* j) { return j->next.load() < j->count; });
    if (open == jobs_.end()) return false;
    job = *open;
    job->visitors.fetch_add(1);
  }
  for (std::size_t item = job->next.fetch_add(1); item < job->count;
       item = job->next.fetch_add(1)) {
    job->call(job->work, item, slot);
  }
  const std::lock_guard lock(mutex_);
  job->visitors.fetch_sub(1, std::memory_order_release);
  job->visitors.notify_all();
  return true;
}

void ThreadPool::work_loop(unsigned slot) {
  const DenormalsOff denormals_off;
  for (;;) {
    const std::uint32_t seen = posted_.load(std::memory_order_acquire);
    if (is_stopping_.load()) return;
    if (!help_once(slot)) wait_for_change(posted_, seen);
  }
}

}  // namespace assay::gpu::host

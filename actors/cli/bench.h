// The benchmarks of `assay bench`: each measures one part of the house as figures beside ceilings.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::cli {

struct BenchRequest {
  bool is_quick = false;  // the same figures from a fraction of the work
  std::size_t repeats = 5;
  unsigned threads = 1;
  bool has_neighbour = false;  // engine only
  std::string folder;          // an existing one, for sockets, ledgers and checkpoints
};

Result<std::vector<Figure>> bench_engine(const BenchRequest& request);
Result<std::vector<Figure>> bench_verifiers(const BenchRequest& request);
Result<std::vector<Figure>> bench_transport(const BenchRequest& request);
Result<std::vector<Figure>> bench_orchestrator(const BenchRequest& request);

}  // namespace assay::cli

// A seeded permutation of [0, size) that can be asked for any single place.
#pragma once

#include <cstdint>

namespace assay::dataset {

// Where `index` goes: for fixed (seed, stream, size) a bijection of [0, size), needing no memory.
// A four-round Feistel network over the smallest even-bit domain that holds `size`, walked until
// the value falls inside; on average fewer than four walks. `index` must be below `size`.
// Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.
std::uint64_t permuted(std::uint64_t index, std::uint64_t size, std::uint64_t seed,
                       std::uint64_t stream);

}  // namespace assay::dataset

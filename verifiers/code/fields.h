// Several texts in one frame: each with its length before it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

std::string pack_fields(const std::vector<std::string_view>& fields);

// The fields of a frame, or none at all where it is not made of exactly `count`.
std::vector<std::string> unpack_fields(std::string_view frame, std::size_t count);

}  // namespace assay::verifiers

// The order of assertions: drawn from a seed where they do not depend on each other.
//
// A program that counts its calls, and answers from a list that it has learnt, fails in another
// order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

struct OrderedTests {
  std::string text;
  std::vector<std::uint32_t> lines;  // for each line of `text` its number in the tests, from 1
};

// Python tests with their assertions shuffled where these follow each other in one block, comments
// and blank lines aside, and use no names but the entry point, the parameter of check(), built-in
// functions and what the tests import: any other name may stand for something that the assertion
// before has changed. No assertion passes a statement of another kind. Text that cannot be taken
// apart into statements stays as it is. Linear in the text.
OrderedTests order_tests(std::string_view tests, std::string_view entry_point, std::uint64_t seed);

}  // namespace assay::verifiers

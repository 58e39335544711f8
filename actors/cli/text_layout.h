// Text for people on a terminal: safe to print, wrapped, with numbers that can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::cli {

// Foreign text made harmless for a terminal: every control character but the line end becomes a
// blank, C1 controls as UTF-8 included, so that nothing above it can be rewritten.
std::string printable(std::string_view text);

// The same on one line: line ends become blanks, too.
std::string one_line(std::string_view text);

// `text` broken at blanks so that no line ends beyond `columns` code points; without a line end
// after the last. It begins at column `indent`, after a label of that width, and so does every
// further line. A longer word stays whole.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

// Cut to `columns` code points; a cut text ends in `…`.
std::string cut(std::string_view text, std::size_t columns);

std::string grouped(std::uint64_t count);  // "12,480"
std::string short_ms(double ms);           // "0.4us", "1.1ms", "37ms", "2.1s"; "-" for 0

}  // namespace assay::cli

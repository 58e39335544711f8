// Text and numbers as they stand in the report: escaped, aligned, with a real minus sign.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/algo/confidence.h"

namespace assay::web {

// Untrusted text made inert for HTML content and quoted attributes. Markup is escaped; control
// characters, line ends included, become visible symbols; characters that reorder or hide text
// (bidirectional controls, zero-width ones) become their code point; bytes that are not UTF-8
// become U+FFFD.
std::string escape(std::string_view text);

// The same with its lines kept, for elements that preserve white space, and cut after `bytes_max`
// with a note of how much was left out.
std::string escape_block(std::string_view text, std::size_t bytes_max);

std::string percent(double rate);                     // "39.1"
std::string signed_points(double difference);         // "+27.1" or "−0.4", in percentage points
std::string percent_interval(const algo::Interval&);  // "39.1 <span>35.9 to 42.3</span>"
std::string points_interval(const algo::Interval&);   // "+27.1 <span>+23.9 to +30.3</span>"
std::string points_in_words(const algo::Interval&);  // "+27.1 points, 95 % interval +23.9 to +30.3"
std::string decimal(double value);                   // two places, "0.68" or "−0.09"
std::string signed_decimal(double value);            // "+0.38" or "−0.09"
std::string figure(double value);                    // three digits, "1.24" or "0.00031"
std::string whole(double value);                     // "12 480", groups of three
std::string dash(std::string_view reason);           // a dash with its reason in small print

}  // namespace assay::web

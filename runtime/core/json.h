// JSON values, with the costly parts compiled once: including this instead of <nlohmann/json.hpp>
// halves the time of a translation unit that parses or writes JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace assay {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // keeps the order in which keys were added

// The value that `text` is, or one for which is_discarded() holds where it is not JSON. For text
// from outside check_strict_json() comes first: it bounds the depth and refuses duplicate keys.
Json parse_json(std::string_view text);

// The value as text, on one line or, with an indent, on several. Bytes that are not UTF-8 become
// U+FFFD; never throws.
std::string json_text(const Json& value, int indent = -1);
std::string json_text(const OrderedJson& value, int indent = -1);

// The same in ASCII alone: everything beyond is escaped.
std::string ascii_json_text(const Json& value);

}  // namespace assay

// Who may include whom, as the rule of the house says it: cmake/room.cmake, read when configuring.
#pragma once

#include <map>
#include <set>
#include <string>

namespace assay::tidy {

using Rooms = std::set<std::string>;

// Room -> the rooms it may depend on, e.g. "runtime/flow" -> {"runtime/core", ...}.
std::map<std::string, Rooms> configured_rooms();

}  // namespace assay::tidy

// The contract of report/summary.json, checked key by key on any summary.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace assay::web {

// What is missing or of the wrong kind, as "<path>: <what>"; empty when the contract is kept. Every
// key must be there; a null needs a reason beside it (`null_reason`, or `<key>_null_reason`).
std::vector<std::string> contract_breaches(const nlohmann::json& summary);

}  // namespace assay::web

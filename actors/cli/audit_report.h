// An audit for people and for programs.
#pragma once

#include <cstddef>
#include <string>

#include "actors/cli/verifier_audit.h"

namespace assay::cli {

// Tables, findings and warnings, wrapped to `columns`.
std::string audit_text(const AuditReport& report, const AuditOptions& options, std::size_t columns);

// The same as one JSON object on one line.
std::string audit_json(const AuditReport& report, const AuditOptions& options);

}  // namespace assay::cli

// What a query may say on PostgreSQL before the server sees it.
//
// The role's privileges, the read-only transaction and the cursor are the guard; this is what they
// leave open: functions that sleep, read the server's files or run text as a query, and those whose
// result changes from run to run. PostgreSQL has no authorizer, so tokens are all there is: names
// are looked at wherever they stand, and a call has to name a function of the list.
#pragma once

#include <string>
#include <string_view>

namespace assay::verifiers::sql {

// Empty where the query may be sent, else why not, as the end of "it is refused: ...".
std::string postgres_refusal(std::string_view query);

}  // namespace assay::verifiers::sql

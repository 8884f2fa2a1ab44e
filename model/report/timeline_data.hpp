#pragma once  // What the script needs to read the rows of a timeline.
#include "report/document.hpp"

namespace mcemu::report {

/// Names, lanes and the meaning of each kind's values, for Timeline::encode().
Json timeline_head(const TraceFigures& trace);

}  // namespace mcemu::report

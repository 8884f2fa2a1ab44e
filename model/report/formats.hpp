#pragma once  // A document of figures as text: Markdown, CSV, HTML.
#include <string>

#include "report/figures.hpp"

namespace mcemu::report {

std::string to_markdown(const Json& document);
/// One figure a line: section,run,variant,from,to,name,value,unit. RFC 4180.
std::string to_csv(const Json& document);
/// One page that needs nothing else. Its data stay below `budget` bytes: timelines are thinned
/// until they do. Empty `title`: the names of the scenarios.
std::string to_html(Figures& figures, const std::string& title, std::size_t budget);

/// Whether this build has the script that makes pages interactive (tools/report, needs npm).
bool has_script();

}  // namespace mcemu::report

#pragma once  // What tools/report/build.sh makes of style and script.
#include <string_view>

namespace mcemu::report::bundle {

extern const std::string_view style;        ///< CSS
extern const std::string_view script;       ///< JavaScript; empty: built without npm
extern const std::string_view script_hash;  ///< "sha256-..." of it, for the page's policy

}  // namespace mcemu::report::bundle

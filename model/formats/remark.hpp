#pragma once  // Something to say about a place in a text.
#include <string>

namespace mcemu::formats {

struct Remark {
    unsigned line = 0, column = 0;  ///< from 1
    std::string wrong;              ///< what is there
    std::string right;              ///< what would be right
};

}  // namespace mcemu::formats

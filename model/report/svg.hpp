#pragma once  // Pictures that need no script: what a page shows before, or without, one.
#include <string>
#include <vector>

#include "report/document.hpp"

namespace mcemu::report {

/// Lanes over time, idle stretches left out, with the critical path of the slowest measure. At most
/// 24 lanes.
std::string timeline_svg(const TraceFigures& trace, const std::string& title);

struct Curve {
    std::string name;
    Json cdf;  ///< [[ns, share], ...]
};
/// Distribution functions over a logarithmic axis of time.
std::string cdf_svg(const std::vector<Curve>& curves, const std::string& title);

struct Bar {
    std::string name;
    std::vector<std::pair<std::string, double>> parts;  ///< (phase, ns), in order
};
/// Stacked bars over a common linear axis; parts of one name have one colour.
std::string stacked_svg(const std::vector<Bar>& bars, const std::string& title);

struct Whisker {
    std::string name, text;
    double share, low, high;
};
/// Shares with their intervals.
std::string shares_svg(const std::vector<Whisker>& rows, const std::string& title);

}  // namespace mcemu::report

#include "report/svg.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "output/words.hpp"
#include "report/markup.hpp"

namespace mcemu::report {
namespace {

std::string open_svg(double width, double height, const std::string& title) {
    return "<svg class=\"figure\" viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
           "\" style=\"max-width:" + coordinate(width * 1.2) + "px\" role=\"img\" aria-label=\"" + escape(title) + "\"><title>" + escape(title) +
           "</title>\n";
}
std::string text_at(double x, double y, const std::string& classes, const std::string& text) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" + classes +
           "\">" + escape(text) + "</text>";
}
std::string line(double x1, double y1, double x2, double y2, const char* classes) {
    return "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" +
           coordinate(x2) + "\" y2=\"" + coordinate(y2) + "\" class=\"" + classes + "\"/>";
}
std::string rect(double x, double y, double w, double h, const std::string& classes,
                 const std::string& title) {
    return "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" +
           coordinate(w) + "\" height=\"" + coordinate(h) + "\" class=\"" + classes + "\">" +
           (title.empty() ? "" : "<title>" + escape(title) + "</title>") + "</rect>";
}
std::string shortened(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most - 1;
    while (end > 0 && (text[end] & 0xc0) == 0x80) --end;  // not in the middle of a character
    return text.substr(0, end) + "\xe2\x80\xa6";
}

/// Time to pixels, with long stretches in which nothing happens cut to a fixed width.
class Axis {
public:
    Axis(std::vector<std::pair<std::uint64_t, std::uint64_t>> busy, double left, double width) {
        std::sort(busy.begin(), busy.end());
        std::vector<std::pair<std::uint64_t, std::uint64_t>> merged;
        for (const auto& [begin, end] : busy) {
            if (!merged.empty() && begin <= merged.back().second)
                merged.back().second = std::max(merged.back().second, end);
            else
                merged.emplace_back(begin, end);
        }
        if (merged.empty()) merged.emplace_back(0, 1);
        // What is idle for more than four times all that is busy is cut.
        double busy_time = 1;
        for (const auto& [begin, end] : merged) busy_time += static_cast<double>(end - begin);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> parts = {merged.front()};
        for (std::size_t i = 1; i < merged.size(); ++i) {
            const auto gap = static_cast<double>(merged[i].first - parts.back().second);
            if (gap > busy_time / 2 && parts.size() < 12)
                parts.push_back(merged[i]);
            else
                parts.back().second = merged[i].second;
        }
        double total = 0;
        for (const auto& [begin, end] : parts) total += static_cast<double>(end - begin);
        const double cuts = 26.0 * static_cast<double>(parts.size() - 1);
        const double least = parts.size() > 6 ? 14 : 62;  // px of a part, however short
        const double room = width - cuts - least * static_cast<double>(parts.size());
        double x = left;
        for (const auto& [begin, end] : parts) {
            const double w =
                least + (total > 0 ? room * static_cast<double>(end - begin) / total : 0);
            parts_.push_back({begin, end, x, w});
            x += w + 26;
        }
    }
    double operator()(std::uint64_t at) const {
        for (const Part& p : parts_) {
            if (at > p.end && &p != &parts_.back()) continue;
            if (at <= p.begin || p.end == p.begin) return p.x;
            return p.x + p.width * std::min(1.0, static_cast<double>(at - p.begin) /
                                                     static_cast<double>(p.end - p.begin));
        }
        return 0;
    }
    struct Part {
        std::uint64_t begin, end;
        double x, width;
    };
    const std::vector<Part>& parts() const { return parts_; }

private:
    std::vector<Part> parts_;
};

}  // namespace

std::string timeline_svg(const TraceFigures& trace, const std::string& title) {
    constexpr std::size_t kMostLanes = 24, kMostMarks = 3000;
    constexpr double kLeft = 150, kWidth = 1000, kRow = 20, kTop = 26;
    const auto& rows = trace.timeline.rows();
    const auto& lanes = trace.timeline.lanes();
    std::vector<std::uint32_t> order(lanes.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return trace.timeline.lane_counts()[a] > trace.timeline.lane_counts()[b];
    });
    if (order.size() > kMostLanes) order.resize(kMostLanes);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return lanes[a] < lanes[b]; });
    std::map<std::uint32_t, std::size_t> place;
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;

    std::vector<std::pair<std::uint64_t, std::uint64_t>> busy;
    for (const TimelineRow& row : rows) {
        const bool phase = row.record.kind == TraceKind::phase;
        busy.emplace_back(row.begin, row.begin + (phase ? row.record.b : 0));
    }
    const Axis axis(busy, kLeft + 8, kWidth - kLeft - 20);
    const double height = kTop + kRow * static_cast<double>(order.size()) + 24;
    std::string out = open_svg(kWidth, height, title);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double y = kTop + kRow * static_cast<double>(i);
        out += rect(kLeft, y, kWidth - kLeft, kRow, i % 2 ? "band" : "band odd", "");
        out += text_at(kLeft - 6, y + 14, "label end",
                       shortened(output::lane_name(lanes[order[i]], trace.names), 24));
    }
    double free_from = 0;
    for (const Axis::Part& p : axis.parts()) {
        if (p.x >= free_from) {
            out += text_at(p.x, kTop - 8, "label", output::human_time(SimTime{p.begin}));
            free_from = p.x + 76;
        }
        if (&p != &axis.parts().front())
            out += text_at(p.x - 20, kTop - 8, "label", "\xe2\x89\x88");
        out += line(p.x, kTop, p.x, height - 20, "tick");
    }
    std::size_t marks = 0;
    std::map<std::pair<std::size_t, std::int64_t>, bool> taken;  // one mark per pixel
    std::map<std::uint32_t, std::pair<double, double>> where;
    for (const TimelineRow& row : rows) {
        const auto lane = place.find(row.lane);
        if (lane == place.end()) continue;
        const bool phase = row.record.kind == TraceKind::phase;
        const double x = axis(row.begin);
        const double w = phase ? std::max(1.5, axis(row.begin + row.record.b) - x) : 2.5;
        const double y = kTop + kRow * static_cast<double>(lane->second);
        if (where.size() < kMostMarks) where[row.id] = {x, y + kRow / 2};
        if (marks == kMostMarks) continue;
        if (!taken.emplace(std::pair{lane->second, std::llround(x) * 2 + phase}, true).second &&
            w < 2)
            continue;
        ++marks;
        const std::string group = std::to_string(static_cast<int>(lanes[row.lane].group));
        std::string words = row.text ? trace.timeline.texts()[row.text - 1]
                                     : output::describe(row.record, trace.names);
        words += " at " + output::human_time(SimTime{row.begin});
        out += rect(x, phase ? y + 6 : y + 3, w, phase ? 8 : 14,
                    (phase ? "phase g" : "mark g") + group, words);
        out += '\n';
    }
    // From the slowest effect back to its cause: the chain that the page speaks of first.
    for (const Measure& m : trace.measures) {
        if (m.slowest.empty() || m.slowest.front().effect == 0) continue;
        std::uint32_t id = m.slowest.front().effect;
        const auto find = [&](std::uint32_t wanted) -> const TimelineRow* {
            const auto at = std::lower_bound(
                rows.begin(), rows.end(), wanted,
                [](const TimelineRow& r, std::uint32_t w) { return r.id < w; });
            return at != rows.end() && at->id == wanted ? &*at : nullptr;
        };
        for (const TimelineRow* row = find(id); row && row->record.why.cause;) {
            const TimelineRow* cause = find(row->record.why.cause);
            const auto from = where.find(row->record.why.cause), to = where.find(row->id);
            if (from != where.end() && to != where.end())
                out += line(from->second.first, from->second.second, to->second.first,
                            to->second.second, "cause");
            row = cause;
        }
        break;
    }
    return out + "</svg>\n";
}

std::string cdf_svg(const std::vector<Curve>& curves, const std::string& title) {
    constexpr double kWidth = 640, kHeight = 300, kLeft = 56, kRight = 16, kTop = 12, kBottom = 44;
    double low = 1e300, high = 0;
    for (const Curve& c : curves)
        for (const Json& p : c.cdf) {
            const double ns = std::max(p[0].get<double>(), 0.001);
            low = std::min(low, ns);
            high = std::max(high, ns);
        }
    if (high == 0) return "";
    double from = std::floor(std::log10(low)), to = std::ceil(std::log10(high) + 1e-9);
    if (to <= from) to = from + 1;
    const auto x_of = [&](double ns) {
        return kLeft + (std::log10(std::max(ns, 0.001)) - from) / (to - from) *
                           (kWidth - kLeft - kRight);
    };
    const auto y_of = [&](double share) {
        return kTop + (1 - share) * (kHeight - kTop - kBottom);
    };
    std::string out = open_svg(kWidth, kHeight, title);
    for (double decade = from; decade <= to + 1e-9; ++decade) {
        const double x = x_of(std::pow(10, decade));
        out += line(x, kTop, x, kHeight - kBottom, "tick");
        const double ps = std::round(std::pow(10, decade + 3));
        std::string label = output::human_time(SimTime{static_cast<std::uint64_t>(ps)});
        if (const auto dot = label.find(".000"); dot != std::string::npos) label.erase(dot, 4);
        out += text_at(x, kHeight - kBottom + 16, "label middle", label);
    }
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        out += line(kLeft, y_of(share), kWidth - kRight, y_of(share), "tick");
        out += text_at(kLeft - 6, y_of(share) + 4, "label end", percent(share));
    }
    for (std::size_t i = 0; i < curves.size(); ++i) {
        std::string points;
        double y = y_of(0);
        for (const Json& p : curves[i].cdf) {  // a step function: flat, then up
            const double x = x_of(p[0].get<double>());
            points += coordinate(x) + "," + coordinate(y) + " ";
            y = y_of(p[1].get<double>());
            points += coordinate(x) + "," + coordinate(y) + " ";
        }
        points += coordinate(kWidth - kRight) + "," + coordinate(y);
        out += "<polyline points=\"" + points + "\" class=\"curve s" + std::to_string(i % 8) + "\"/>";
        out += text_at(kLeft + 8, kTop + 14 + 14 * static_cast<double>(i),
                       "label key s" + std::to_string(i % 8),
                       "\xe2\x80\x94 " + shortened(curves[i].name, 60));
    }
    out += text_at((kLeft + kWidth) / 2, kHeight - 8, "label middle", "time (logarithmic)");
    return out + "</svg>\n";
}

std::string stacked_svg(const std::vector<Bar>& bars, const std::string& title) {
    constexpr double kWidth = 1000, kLeft = 250, kRow = 30, kTop = 8;
    double most = 0;
    std::map<std::string, std::size_t> colours;
    std::vector<std::string> names;
    for (const Bar& bar : bars) {
        double sum = 0;
        for (const auto& [name, ns] : bar.parts) sum += ns;
        most = std::max(most, sum);
    }
    if (most == 0) return "";
    // The parts that take longest choose their colours first.
    std::map<std::string, double> weight;
    for (const Bar& bar : bars)
        for (const auto& [name, ns] : bar.parts) weight[name] += ns;
    for (const auto& [name, ns] : weight) names.push_back(name);
    std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) {
        return weight[a] > weight[b];
    });
    std::size_t next = 0;
    for (std::size_t i = 0; i < names.size(); ++i)
        colours[names[i]] = names[i] == "waiting"  ? 99
                            : names[i] == "latent" ? 98
                                                   : std::min<std::size_t>(next++, 7);
    const std::size_t shown = std::min<std::size_t>(names.size(), 12);
    const double key_rows = std::ceil(static_cast<double>(shown) / 4);
    const double height =
        kTop + kRow * static_cast<double>(bars.size()) + 18 * key_rows + 24;
    std::string out = open_svg(kWidth, height, title);
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const double y = kTop + kRow * static_cast<double>(i);
        double x = kLeft, sum = 0;
        out += text_at(kLeft - 8, y + 17, "label end", shortened(bars[i].name, 40));
        for (const auto& [name, ns] : bars[i].parts) {
            const double w = ns / most * (kWidth - kLeft - 90);
            const std::size_t c = colours[name];
            out += rect(x, y + 3, w, kRow - 8, "part p" + std::to_string(c),
                        name + ": " + in_words(ns));
            if (w > 9.0 * static_cast<double>(name.size()) * 0.72 + 8)
                out += text_at(x + 4, y + 17, "label on p" + std::to_string(c), name);
            x += w;
            sum += ns;
        }
        out += text_at(x + 6, y + 17, "label", in_words(sum));
    }
    for (std::size_t i = 0; i < shown; ++i) {
        const double x = 20 + 245 * static_cast<double>(i % 4);
        const double y = kTop + kRow * static_cast<double>(bars.size()) + 18 +
                         18 * std::floor(static_cast<double>(i) / 4);
        out += rect(x, y - 9, 10, 10, "part p" + std::to_string(colours[names[i]]), "");
        out += text_at(x + 15, y, "label", names[i]);
    }
    return out + "</svg>\n";
}

std::string shares_svg(const std::vector<Whisker>& rows, const std::string& title) {
    constexpr double kWidth = 900, kLeft = 360, kRow = 26, kTop = 8, kRight = 130;
    const auto x_of = [&](double share) { return kLeft + share * (kWidth - kLeft - kRight); };
    const double height = kTop + kRow * static_cast<double>(rows.size()) + 26;
    std::string out = open_svg(kWidth, height, title);
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        out += line(x_of(share), kTop, x_of(share), height - 20, "tick");
        out += text_at(x_of(share), height - 6, "label middle", percent(share));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double y = kTop + kRow * static_cast<double>(i);
        out += text_at(kLeft - 8, y + 16, "label end", shortened(rows[i].name, 50));
        out += rect(x_of(0), y + 6, std::max(1.0, x_of(rows[i].share) - x_of(0)), 12, "part p0", "");
        out += line(x_of(rows[i].low), y + 12, x_of(rows[i].high), y + 12, "whisker");
        out += line(x_of(rows[i].low), y + 8, x_of(rows[i].low), y + 16, "whisker");
        out += line(x_of(rows[i].high), y + 8, x_of(rows[i].high), y + 16, "whisker");
        out += text_at(kWidth - kRight + 8, y + 16, "label", rows[i].text);
    }
    return out + "</svg>\n";
}

}  // namespace mcemu::report

#include "formats/ghes_reports.hpp"

#include "formats/scan.hpp"

namespace mcemu::formats {

std::optional<std::size_t> GhesReports::line(std::string_view text,
                                             std::vector<GhesReport>& reports) {
    Scan s(text);
    std::uint64_t number = kUnnumbered;
    const auto begin = [&]() -> GhesReport& {
        open_[number] = reports.size();
        reports.push_back({});
        reports.back().number = number == kUnnumbered ? 0 : number;
        return reports.back();
    };
    if (s.literal("BERT: Error records from previous boot")) {
        begin().bert = true;
        return open_[number];
    }
    const bool numbered = s.literal("{");
    if (numbered) {
        const auto n = s.decimal();
        if (!n || !s.literal("}")) return std::nullopt;
        number = *n;
    }
    if (!s.literal("[Hardware Error]:")) return std::nullopt;
    const bool indented = s.rest.starts_with("  ");
    s.blanks();
    // A number that begins again is another report.
    const bool first = s.rest.starts_with("Hardware error from");
    if (first || (numbered && !open_.contains(number))) begin();
    const auto open = open_.find(number);
    if (open == open_.end()) return std::nullopt;
    if (!numbered && !first && !indented && !s.rest.starts_with("event severity") &&
        !s.rest.starts_with("It has been"))
        return std::nullopt;
    if (Scan part = s; part.literal("Error ")) {
        const auto n = part.decimal();
        GhesReport& whole = reports[open->second];
        if (n && *n > 0 && part.literal(", type: ")) {
            GhesReport next;
            next.number = whole.number;
            next.part = static_cast<unsigned>(*n & 0xffff);
            next.severity = whole.severity;
            next.source = whole.source;
            next.bert = whole.bert;
            open->second = reports.size();
            reports.push_back(std::move(next));
            return open->second;
        }
    }
    GhesReport& r = reports[open->second];
    if (s.literal("Hardware error from APEI Generic Hardware Error Source: ")) {
        r.source = s.decimal();
    } else if (s.literal("event severity: ")) {
        r.severity = s.word();
    } else if (s.literal("section_type: ") || s.literal("section type: ")) {
        if (s.rest == "memory error")
            r.memory = true;
        else if (r.section.empty())
            r.section = s.rest;
    } else if (s.literal("physical_address: ")) {
        if (!r.address) r.address = s.hex();
    } else if (s.literal("physical_address_mask: ")) {
        if (!r.mask) r.mask = s.hex();
    } else if (s.literal("error_type: ")) {
        if (!r.error_type) r.error_type = s.decimal();
    }
    return open->second;
}

}  // namespace mcemu::formats

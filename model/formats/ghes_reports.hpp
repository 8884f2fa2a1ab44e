#pragma once  // Reports of firmware in a kernel log.
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/field_log.hpp"

namespace mcemu::formats {

/// Puts reports together from lines in their order: "{N}[Hardware Error]: ..." by their number;
/// without one, what follows "BERT: Error records from previous boot:" or "Hardware error from
/// APEI". A report of several sections ("Error 1, type: corrected") is several here, with the head
/// of the first. Source: drivers/acpi/apei/ghes.c, bert.c, drivers/firmware/efi/cper.c.
class GhesReports {
public:
    /// The index in `reports` of the one that the line is of; none: it is about something else.
    std::optional<std::size_t> line(std::string_view text, std::vector<GhesReport>& reports);

private:
    static constexpr std::uint64_t kUnnumbered = ~std::uint64_t{0};

    std::map<std::uint64_t, std::size_t> open_;
};

}  // namespace mcemu::formats

#include "formats/edac_line.hpp"

#include <algorithm>

#include "core/units.hpp"
#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

std::uint64_t address_of(std::uint64_t page, std::uint64_t offset) {
    return (page & (~0ull >> kPageShift)) * kPageSize + (offset & (kPageSize - 1));
}

/// "0101:0090": MSCOD and MCACOD.
void edac_code(Scan code, EdacReport& r) {
    const auto mscod = code.hex();
    if (!mscod || !code.literal(":")) return;
    const auto mcacod = code.hex();
    if (!mcacod || *mcacod > 0xffff || *mscod > 0xffff) return;
    r.code_known = true;
    r.mscod = static_cast<std::uint16_t>(*mscod);
    r.mcacod = static_cast<std::uint16_t>(*mcacod);
}

/// "CE page 0x2a000, offset 0x40, grain 8, syndrome 0x1, row 0, channel 1, label "A1": i5000 ...".
std::optional<EdacReport> before_v35(Scan s, EdacReport r) {
    r.uncorrected = s.literal("UE ");
    if (!r.uncorrected && !s.literal("CE ")) return std::nullopt;
    const std::string_view all = s.rest;
    if (!all.starts_with("page ") && !all.starts_with("row ") && !all.starts_with("- no info"))
        return std::nullopt;
    r.address =
        address_of(hex_field(all, "page ").value_or(0), hex_field(all, "offset ").value_or(0));
    // sb_edac of RHEL 6: "... Err=0001:0092 (ch=2), addr= 0x67a2ab040 => socket=0".
    if (r.address == 0) r.address = hex_field(all, "addr= ").value_or(0);
    if (Scan code(all); code.behind("Err=")) edac_code(code, r);
    r.channel = static_cast<unsigned>(
        std::min<std::uint64_t>(decimal_field(all, "channel ").value_or(0), 15));
    if (s.behind("label \"")) r.label = s.until("\"");
    s.literal(": ");
    r.message = s.rest;
    return r;
}

std::optional<EdacReport> of_log(Scan s) {
    const auto mc = s.decimal();
    if (!mc || !s.literal(": ")) return std::nullopt;
    EdacReport r;
    r.mc = static_cast<unsigned>(std::min<std::uint64_t>(*mc, 255));
    const auto count = s.decimal();
    if (!count) return before_v35(s, std::move(r));
    s.blanks();
    r.count = *count;
    r.uncorrected = s.literal("UE ");
    if (!r.uncorrected && !s.literal("CE ")) return std::nullopt;
    r.message = s.until(" on ");
    r.label = s.until(" (");
    const std::string_view detail = s.rest;
    r.channel = static_cast<unsigned>(
        std::min<std::uint64_t>(decimal_field(detail, "channel:").value_or(0), 15));
    r.address = address_of(hex_field(detail, "page:").value_or(0),
                           hex_field(detail, "offset:").value_or(0));
    edac_detail(detail, r);
    return r;
}

std::optional<EdacReport> of_trace(Scan s) {
    const auto count = s.decimal();
    if (!count) return std::nullopt;
    s.blanks();
    EdacReport r;
    r.count = *count;
    const std::string_view kind = s.word();
    if (kind != "Corrected" && kind != "Uncorrected" && kind != "Deferred" && kind != "Fatal" &&
        kind != "Info")
        return std::nullopt;
    r.uncorrected = kind == "Uncorrected" || kind == "Fatal";
    if (!s.behind(": ")) return std::nullopt;
    r.message = s.until(" on ");
    r.label = s.until(" (");
    const std::string_view detail = s.rest;
    r.mc = static_cast<unsigned>(
        std::min<std::uint64_t>(decimal_field(detail, "mc:").value_or(0), 255));
    r.channel = static_cast<unsigned>(
        std::min<std::uint64_t>(decimal_field(detail, "location:").value_or(0), 15));
    r.address = hex_field(detail, "address:").value_or(0);
    edac_detail(detail, r);
    return r;
}

}  // namespace

void edac_detail(std::string_view detail, EdacReport& r) {
    r.overflow = detail.find(" OVERFLOW") != std::string_view::npos;
    r.recoverable = detail.find(" recoverable") != std::string_view::npos;
    if (Scan code(detail); code.behind("err_code:")) edac_code(code, r);
}

std::optional<EdacReport> edac_line(std::string_view text) {
    Scan s(text);
    if (s.literal("EDAC MC")) return of_log(s);
    if (s.literal("mc_event: ")) return of_trace(s);
    return std::nullopt;
}

}  // namespace mcemu::formats

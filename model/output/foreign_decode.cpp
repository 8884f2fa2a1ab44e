#include "output/foreign_decode.hpp"

#include <array>
#include <span>

#include "core/mca/status.hpp"
#include "output/text.hpp"

namespace mcemu::output {
namespace {

using namespace mca;
using Json = nlohmann::ordered_json;

struct Bit {
    std::string_view name;
    unsigned bit;
    std::string_view set, clear;
};
// Of all x86 processors.
constexpr std::array kCommon = std::to_array<Bit>({
    {"VAL", 63, "the bank holds an error", "the bank holds no error: the rest is stale"},
    {"OVER", 62, "another error arrived and was lost", "no error was lost"},
    {"UC", 61, "not corrected", "corrected"},
    {"EN", 60, "enabled to signal", "not enabled to signal"},
    {"MISCV", 59, "MISC is valid", "MISC is not valid"},
    {"ADDRV", 58, "ADDR is valid", "ADDR is not valid"},
    {"PCC", 57, "processor context corrupt", "processor context intact"},
});
constexpr std::array kAmd = std::to_array<Bit>({
    {"TCC", 55, "the interrupted thread is corrupt", "the interrupted thread is intact"},
    {"SYNDV", 53, "SYND is valid", "SYND is not valid"},
    {"CECC", 46, "corrected by ECC", "not corrected by ECC"},
    {"UECC", 45, "ECC could not correct it", "no uncorrectable ECC error"},
    {"Deferred", 44, "bad data was marked, nobody has used it yet", "not deferred"},
    {"Poison", 43, "data marked as bad was used", "no data marked as bad was used"},
});

bool amd(const McaRegisters& r) { return r.vendor == 2 || r.vendor == 9; }
bool bit(std::uint64_t value, unsigned n) { return value >> n & 1; }

std::string class_of(const McaRegisters& r) {
    if (!(r.status & MCI_STATUS_VAL)) return "invalid";
    if (r.status & MCI_STATUS_PCC) return "UC (fatal)";
    if (amd(r) && bit(r.status, 44)) return "deferred";
    return r.status & MCI_STATUS_UC ? "UC" : "CE";
}

const char* note(const McaRegisters& r) {
    return amd(r) ? "the bank's unit and the extended code need the processor's model, and no "
                    "profile grades "
                    "such records"
                  : "only the bits that all x86 processors share are explained";
}

}  // namespace

bool intel_layout(std::uint32_t vendor) { return vendor == 0 || vendor == 5 || vendor == 10; }

std::string vendor_name(std::uint32_t vendor) {
    static constexpr std::array<std::string_view, 11> kNames = {
        "Intel", "Cyrix", "AMD", "UMC", "", "Centaur", "", "Transmeta", "NSC", "Hygon", "Zhaoxin"};
    if (vendor < kNames.size() && !kNames[vendor].empty()) return std::string(kNames[vendor]);
    return "vendor " + std::to_string(vendor);
}

Json decode_foreign_json(const McaRegisters& r) {
    Json j = {{"status", hex(r.status)}, {"vendor", vendor_name(r.vendor)}};
    for (const Bit& b : kCommon) j["fields"][b.name] = bit(r.status, b.bit) ? 1 : 0;
    if (amd(r))
        for (const Bit& b : kAmd) j["fields"][b.name] = bit(r.status, b.bit) ? 1 : 0;
    j["fields"]["ErrorCodeExt"] = r.status >> 16 & (amd(r) ? 0x3f : 0xffff);
    j["fields"]["ErrorCode"] = r.status & 0xffff;
    j["class"] = class_of(r);
    j["bank"] = r.bank ? Json(*r.bank) : Json(nullptr);
    j["unit"] = nullptr;
    j["mcgstatus"] = {{"value", hex(r.mcgstatus)}};
    j["addr"] = r.status & MCI_STATUS_ADDRV ? Json{{"value", hex(r.addr)}} : Json(nullptr);
    j["misc"] = r.status & MCI_STATUS_MISCV ? Json{{"value", hex(r.misc)}} : Json(nullptr);
    j["grades"] = Json::array();
    j["advice"] = note(r);
    return j;
}

std::string decode_foreign_text(const McaRegisters& r) {
    std::string out = "STATUS " + hex(r.status) + ", " + vendor_name(r.vendor) + "\n";
    const auto line = [&out](std::string_view name, const std::string& value,
                             std::string_view text) {
        std::string left = "  " + std::string(name);
        left.resize(std::max<std::size_t>(left.size() + 1, 16), ' ');
        left += value;
        left.resize(std::max<std::size_t>(left.size() + 2, 24), ' ');
        out += left + std::string(text) + "\n";
    };
    const auto bits = [&](std::span<const Bit> list) {
        for (const Bit& b : list)
            line(b.name, bit(r.status, b.bit) ? "1" : "0", bit(r.status, b.bit) ? b.set : b.clear);
    };
    bits(kCommon);
    if (amd(r)) bits(kAmd);
    line("ErrorCodeExt", hex(r.status >> 16 & (amd(r) ? 0x3f : 0xffff)),
         "depends on the bank's unit");
    line("ErrorCode", hex(r.status & 0xffff), "architectural error code");
    out += "MCG_STATUS " + hex(r.mcgstatus) + "\n";
    if (r.status & MCI_STATUS_ADDRV) out += "ADDR " + hex(r.addr) + "\n";
    if (r.status & MCI_STATUS_MISCV) out += "MISC " + hex(r.misc) + "\n";
    if (r.bank) out += "BANK " + std::to_string(*r.bank) + "\n";
    out += "class " + class_of(r) + ": " + note(r) + "\n";
    return out;
}

}  // namespace mcemu::output

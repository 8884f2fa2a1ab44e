#include "core/mca/hardware_errors.hpp"

namespace mcemu::mca {
namespace {

constexpr std::uint64_t kRecord =
    MCI_STATUS_VAL | MCI_STATUS_UC | MCI_STATUS_MISCV | MCI_STATUS_ADDRV;
constexpr std::uint64_t kDataLoad = 0x0134, kInstructionFetch = 0x0150, kWriteBack = 0x017a;
constexpr std::uint64_t kMemoryRead = 0x0090, kMemoryScrub = 0x00c0;

constexpr std::uint64_t with_mscod(std::uint64_t code) { return code << 16; }
constexpr std::uint64_t kM2mDataRead = with_mscod(0x0101);
constexpr std::uint64_t kDdrtUncorrectable = with_mscod(0x0807);
constexpr std::uint64_t kUncorrectedPatrolScrub = with_mscod(0x0010);
constexpr std::uint64_t kChaWriteBack = with_mscod(0x000c);

constexpr std::uint64_t kOthersSee = MCG_STATUS_RIPV | MCG_STATUS_MCIP;

NewError at_line(std::uint64_t status, std::uint64_t line, unsigned lsb = 6) {
    NewError e;
    e.status = status;
    e.addr = line;
    e.misc = make_misc(lsb);
    return e;
}

}  // namespace

UnitError poison_consumed(const BankMap& map, const McaConfig& mca, AccessKind kind,
                          std::uint64_t line) {
    const bool fetch = kind == AccessKind::fetch;
    UnitError u;
    u.bank = fetch ? map.ifu() : map.dcu();
    u.error = at_line(
        kRecord | MCI_STATUS_S | MCI_STATUS_AR | (fetch ? kInstructionFetch : kDataLoad), line);
    if (!mca.ser) u.error.status &= ~(MCI_STATUS_S | MCI_STATUS_AR | MCI_STATUS_MISCV);
    u.mcg_status = MCG_STATUS_EIPV | MCG_STATUS_MCIP;
    if (fetch || mca.srar_continuable) u.mcg_status |= MCG_STATUS_RIPV;
    return u;
}

UnitError uncached_poison(const BankMap& map, std::uint64_t line) {
    return {map.dcu(), at_line(kRecord | MCI_STATUS_PCC | kDataLoad, line), MCG_STATUS_MCIP};
}

UnitError speculation_noted(const BankMap& map, std::uint64_t line) {
    return {map.dcu(), at_line(kRecord | kDataLoad, line), 0};
}

UnitError demand_read(const BankMap& map, std::uint32_t channel, bool persistent, std::uint64_t spa,
                      unsigned lsb) {
    const std::uint64_t code = kMemoryRead + map.channel_code(channel);
    return {persistent ? map.imc(channel) : map.m2m(channel),
            at_line(kRecord | (persistent ? kDdrtUncorrectable : kM2mDataRead) | code, spa, lsb),
            kOthersSee};
}

UnitError patrol_scrub(const BankMap& map, const McaConfig& mca, std::uint32_t channel,
                       std::uint64_t spa, unsigned lsb) {
    std::uint64_t status =
        kRecord | kUncorrectedPatrolScrub | (kMemoryScrub + map.channel_code(channel));
    if (mca.patrol_uc_mode == PatrolUcMode::mce && mca.ser) status |= MCI_STATUS_S;
    if (mca.patrol_uc_mode == PatrolUcMode::ce) status &= ~MCI_STATUS_UC;
    UnitError u{map.imc(channel), at_line(status, spa, lsb), kOthersSee};
    // Corrected errors of memory have no CTL bit: real records show EN = 0 (mce.md E01, E06).
    if (!(status & MCI_STATUS_UC)) u.error.enable = 0;
    return u;
}

UnitError write_back(const BankMap& map, const McaConfig& mca, std::uint64_t spa, unsigned lsb) {
    std::uint64_t status = kRecord | kChaWriteBack | kWriteBack;
    if (mca.patrol_uc_mode == PatrolUcMode::mce && mca.ser) status |= MCI_STATUS_S;
    return {map.cha(spa), at_line(status, spa, lsb), kOthersSee};
}

}  // namespace mcemu::mca

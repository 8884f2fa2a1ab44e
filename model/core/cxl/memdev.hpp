#pragma once  // A CXL type-3 memory device: its media errors and how the mailbox reaches them.
#include <cstdint>
#include <optional>

#include "core/cxl/mailbox.hpp"
#include "core/pmem/ars.hpp"
#include "core/pmem/image.hpp"
#include "core/pmem/poison_list.hpp"

namespace mcemu::cxl {

/// The poison is that of pmem::PoisonList. The device's own list holds one record per 64 B line:
/// lines that were injected, and latent ones from the moment a read consumes them. Nothing is
/// proportional to the capacity; every call is O(log n) in the poisoned ranges, a listing also
/// proportional to the records that it returns.
/// Source: nvdimm.md 15; CXL 3.0, 8.2.9.8.4.
class Memdev final : public Mailbox, private pmem::ArsMedia {
public:
    /// Bytes of a Get Poison List answer: 32 of header, 16 for each record (254 of them).
    static constexpr std::uint32_t kPayload = 4096, kHeader = 32, kRecord = 16;
    static constexpr std::size_t kRecordsPerReply = (kPayload - kHeader) / kRecord;

    /// Throws std::invalid_argument when a partition is not of whole lines, there is no capacity
    /// at all or too much for a PoisonList, or the list maximum does not fit its 24 bits.
    /// `scan_rate`: bytes per second of Scan Media.
    explicit Memdev(const Identity& identity, std::uint64_t scan_rate = std::uint64_t{1} << 30);
    Memdev(const Memdev&) = delete;
    Memdev& operator=(const Memdev&) = delete;

    Identity identify() const override { return identity_; }
    PoisonListReply get_poison_list(DpaRange range) override;
    ReturnCode inject_poison(std::uint64_t dpa, SimTime now) override;
    ReturnCode clear_poison(std::uint64_t dpa) override;
    ReturnCode scan_media(DpaRange range, SimTime now) override;
    ScanMediaReply get_scan_media_results(SimTime now) override;

    /// Brings a scan to `now`: to be called before any change of the media.
    void advance(SimTime now);
    /// Errors that are injected from now on count as planted by this scenario event.
    void act_for(std::uint32_t origin) { origin_ = origin; }
    /// The device's list, rising.
    std::vector<MediaErrorRecord> records() const;
    bool overflowed() const { return overflow_; }
    /// What the last change healed, rising.
    const std::vector<pmem::PoisonRun>& healed() const { return healed_; }

    /// A media failure that nobody knows of yet. A permanent one is not healed by anything.
    /// Returns the newly poisoned bytes. Throws std::invalid_argument when `range` is empty or not
    /// inside the device.
    std::uint64_t plant(DpaRange range, std::uint32_t origin, bool permanent = false);

    /// Lines that nothing heals once they are poisoned. Same throws as plant().
    void make_permanent(DpaRange range);

    /// A read of the media: the lowest poisoned lines that it touches, of one origin, or nothing.
    /// Their errors enter the device's list.
    std::optional<pmem::PoisonRun> read(DpaRange range, SimTime now);
    /// A write of the media: heals the whole lines inside `range`. Returns the bytes healed.
    std::uint64_t write(DpaRange range);

    /// With the media disabled every command on poison fails (Memory Device Status).
    void disable_media(bool disabled) { media_disabled_ = disabled; }

    /// What lasts over a power cycle; and a new device that begins with it.
    MemdevImage snapshot() const;
    void restore(const MemdevImage& image);

    const pmem::PoisonList& poison() const { return poison_; }
    std::uint32_t listed() const { return listed_; }      ///< records in the device's list
    std::uint32_t injected() const { return injected_; }  ///< those of source "injected"

private:
    // pmem::ArsMedia: the device's own addresses stand where a root device has SPAs.
    std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end,
                                     bool known_only) const override;
    std::uint32_t handle_at(std::uint64_t) const override { return 0; }
    void list(SpaRange found) override;
    SimTime record_cost() override { return SimTime{}; }

    bool holds_line(std::uint64_t dpa) const;
    bool valid(DpaRange range) const;
    MediaErrorRecord record_of(std::uint64_t dpa) const;
    bool enter(std::uint64_t dpa, SimTime now);
    std::uint64_t heal(DpaRange range);

    Identity identity_;
    pmem::PoisonList poison_;
    pmem::PoisonList permanent_;
    std::uint32_t listed_ = 0, injected_ = 0;
    std::uint64_t overflow_ns_ = 0;
    bool overflow_ = false, media_disabled_ = false;
    DpaRange asked_;              // the range of an answer with more to come
    std::uint64_t continue_ = 0;  // and where the next answer starts
    std::uint64_t scan_rate_;
    pmem::Ars scan_{*this};
    std::uint64_t scan_answered_ = 0;  // DPA up to which its records have been answered
    SimTime now_{};              // of the scan's latest step
    std::uint32_t origin_ = 0;
    std::vector<pmem::PoisonRun> healed_;
};

}  // namespace mcemu::cxl

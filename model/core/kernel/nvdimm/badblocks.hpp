#pragma once  // Bad-block table of a block device or region (block/badblocks.c; nvdimm.md 11.2).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace mcemu::kernel {

/// One 4 KiB page of rows, in sectors. The model linux_6_1 keeps every quirk of the algorithm
/// that 4.18, 4.19 and 6.1 share: rows may come out of order, overlap, or vanish. The model ideal
/// covers what set arithmetic covers, in sorted, disjoint rows: the kernel's own ones wherever its
/// algorithm gets there.
class Badblocks {
public:
    static constexpr std::size_t kMaxRows = 512;
    static constexpr std::uint64_t kMaxLength = 512;  ///< sectors of one row

    struct Row {
        std::uint64_t start = 0, length = 0;  ///< in units of 512 << shift bytes
        bool acknowledged = true;
        bool operator==(const Row&) const = default;
        std::uint64_t end() const { return start + length; }
    };
    struct Finding {
        int result = 0;  ///< 0 clean, 1 bad and acknowledged, -1 bad and some not acknowledged
        std::uint64_t first_bad = 0, bad_sectors = 0;  ///< the row of the lowest index, uncut
    };

    explicit Badblocks(BadblocksModel model = BadblocksModel::linux_6_1, int shift = 0)
        : model_(model), shift_(shift) {}

    /// badblocks_set(): 0, or 1 when rows are exhausted or the table is disabled (shift < 0).
    int set(std::uint64_t sector, std::uint64_t sectors, bool acknowledged);
    /// badblocks_clear(): 0 or -ENOSPC (a split needs a row that is not there; nothing changed).
    int clear(std::uint64_t sector, std::uint64_t sectors);
    /// badblocks_check().
    Finding check(std::uint64_t sector, std::uint64_t sectors) const;
    /// ack_all_badblocks(): nothing while `changed` is set.
    void ack_all();

    struct Listing {
        std::string text;  ///< what a reader gets: at most 4095 bytes
        int result = 0;    ///< what badblocks_show() returns; may exceed the text
    };
    /// badblocks_show(); with `unacknowledged` only rows without acknowledgement.
    Listing show(bool unacknowledged);
    /// The text of the plain attribute.
    std::string text() const { return list(false).text; }
    /// badblocks_store(): byte count, -EINVAL or -ENOSPC.
    int store(std::string_view text, bool unacknowledged);

    const std::vector<Row>& rows() const { return rows_; }
    bool empty() const { return rows_.empty(); }
    /// Another number whenever rows() changed.
    std::uint64_t version() const { return version_; }
    bool changed() const { return changed_; }
    void set_changed(bool changed) { changed_ = changed; }
    bool unacked_exist() const { return unacked_exist_; }

private:
    /// Rows [lo, hi) of the kernel's bisection: hi == lo + 1 with lo the last row it found, or
    /// hi == lo when there is none.
    struct Place {
        std::ptrdiff_t lo, hi;
    };
    template <class Predicate>
    Place bisect(Predicate keep_low) const;
    int set_linux(std::uint64_t s, std::uint64_t sectors, bool acknowledged);
    int set_ideal(std::uint64_t s, std::uint64_t sectors, bool acknowledged);
    int clear_linux(std::uint64_t s, std::uint64_t target);
    int clear_ideal(std::uint64_t s, std::uint64_t target);
    void put(Row& row, const Row& value);
    void update_acked();
    Listing list(bool unacknowledged) const;

    BadblocksModel model_;
    int shift_;
    std::vector<Row> rows_;
    std::uint64_t version_ = 0;
    bool changed_ = false;
    bool unacked_exist_ = false;
};

}  // namespace mcemu::kernel

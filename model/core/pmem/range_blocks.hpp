#pragma once  // Disjoint tagged ranges of lines in address order, in sorted blocks of 1 KiB.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mcemu::pmem {

/// A run of 64-byte lines with one tag, packed into 16 bytes.
class LineRange {
public:
    static constexpr unsigned kLineBits = 44;  ///< 2^44 lines of 64 B: 1 PiB
    static constexpr std::uint64_t kMaxLines = std::uint64_t{1} << kLineBits;

    LineRange() = default;
    LineRange(std::uint64_t begin, std::uint64_t end, std::uint32_t origin, std::uint8_t flags)
        : low_(begin << kSpare | (origin & kOriginLow)),
          high_((end - begin) << kSpare | std::uint64_t{flags} << 12 | origin >> kSpare) {}

    std::uint64_t begin() const { return low_ >> kSpare; }
    std::uint64_t lines() const { return high_ >> kSpare; }
    std::uint64_t end() const { return begin() + lines(); }
    std::uint32_t origin() const {
        return static_cast<std::uint32_t>((low_ & kOriginLow) | (high_ & 0xfff) << kSpare);
    }
    std::uint8_t flags() const { return static_cast<std::uint8_t>(high_ >> 12); }
    bool same_tag(const LineRange& other) const {
        return ((low_ ^ other.low_) & kOriginLow) == 0 && ((high_ ^ other.high_) & kOriginLow) == 0;
    }
    bool operator==(const LineRange&) const = default;

private:
    static constexpr unsigned kSpare = 64 - kLineBits;
    static constexpr std::uint64_t kOriginLow = (std::uint64_t{1} << kSpare) - 1;
    std::uint64_t low_ = 0;   // begin:44 origin[19:0]:20
    std::uint64_t high_ = 0;  // lines:44 flags:8 origin[31:20]:12
};
static_assert(sizeof(LineRange) == 16);

/// An ordered set of disjoint LineRanges: a B+ tree of three levels (a growing root over branches
/// of up to 64 leaves of up to 63 ranges). Look-up is one binary search per level; a change moves
/// at most one block's content. 16 bytes a range when loaded in bulk, about 25 after random
/// changes, at most 64 (blocks less than a quarter full join a neighbour).
class RangeBlocks {
public:
    /// Where a range stands. end() has `branch` == number of branches. Any change of the set
    /// invalidates positions.
    struct Position {
        std::uint32_t branch = 0, leaf = 0, slot = 0;
        bool operator==(const Position&) const = default;
    };

    RangeBlocks() = default;
    RangeBlocks(RangeBlocks&&) noexcept = default;
    RangeBlocks& operator=(RangeBlocks&&) noexcept = default;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t bytes() const;

    Position begin() const { return {0, 0, 0}; }
    Position end() const { return {static_cast<std::uint32_t>(branches_.size()), 0, 0}; }
    bool is_end(Position p) const { return p.branch == branches_.size(); }
    /// The first range that ends after `line`: it holds the line, or lies behind it.
    Position first_ending_after(std::uint64_t line) const;
    Position next(Position p) const;
    /// The range before `p`; only when `p` is not begin().
    Position previous(Position p) const;
    const LineRange& at(Position p) const {
        return branches_[p.branch]->leaf[p.leaf]->range[p.slot];
    }

    /// Replaces the `erase` ranges from `p` on by `insert` (in order, fitting in between).
    void splice(Position p, std::size_t erase, std::span<const LineRange> insert);
    /// Replaces the whole content by ranges in order.
    void assign(std::span<const LineRange> ranges);

    /// Throws InvariantError when the order, the keys or the counts are broken. For tests.
    void check() const;

private:
    static constexpr std::uint32_t kLeafRanges = 63;
    static constexpr std::uint32_t kBranchLeaves = 64;

    struct Leaf {
        std::uint32_t count = 0;
        LineRange range[kLeafRanges];
    };
    struct Branch {
        std::uint32_t count = 0;
        std::uint64_t first[kBranchLeaves];  // first line of each leaf
        std::unique_ptr<Leaf> leaf[kBranchLeaves];
    };

    void insert_one(const LineRange& range);
    Position append_point() const;
    void insert_leaf(std::uint32_t branch, std::uint32_t at, std::unique_ptr<Leaf> leaf);
    void remove_leaf(std::uint32_t branch, std::uint32_t at);
    void erase(Position p, std::size_t n);
    void update_first(std::uint32_t branch, std::uint32_t leaf);
    void join_if_small(std::uint32_t branch, std::uint32_t leaf);
    bool join_leaves(Branch& b, std::uint32_t left);
    void join_branch_if_small(std::uint32_t branch);
    bool join_branches(std::uint32_t left);

    std::vector<std::uint64_t> first_;  // first line of each branch
    std::vector<std::unique_ptr<Branch>> branches_;
    std::size_t size_ = 0;
    std::size_t leaves_ = 0;
};

}  // namespace mcemu::pmem

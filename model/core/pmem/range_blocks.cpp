#include "core/pmem/range_blocks.hpp"

#include <algorithm>
#include <string>

#include "core/assert.hpp"

namespace mcemu::pmem {

std::size_t RangeBlocks::bytes() const {
    return branches_.size() * sizeof(Branch) + leaves_ * sizeof(Leaf) +
           first_.capacity() * sizeof(first_[0]) + branches_.capacity() * sizeof(branches_[0]);
}

RangeBlocks::Position RangeBlocks::first_ending_after(std::uint64_t line) const {
    // At every level: the last child that begins at or before `line`, or the first child.
    const auto last_not_after = [line](const std::uint64_t* keys, std::size_t n) {
        const auto* it = std::upper_bound(keys, keys + n, line);
        return static_cast<std::uint32_t>(it == keys ? 0 : it - keys - 1);
    };
    if (branches_.empty()) return end();
    const std::uint32_t b = last_not_after(first_.data(), first_.size());
    const Branch& branch = *branches_[b];
    const std::uint32_t l = last_not_after(branch.first, branch.count);
    const Leaf& leaf = *branch.leaf[l];
    const LineRange* it = std::upper_bound(
        leaf.range, leaf.range + leaf.count, line,
        [](std::uint64_t key, const LineRange& range) { return key < range.begin(); });
    if (it == leaf.range) return {b, l, 0};
    const Position p{b, l, static_cast<std::uint32_t>(it - leaf.range - 1)};
    return it[-1].end() > line ? p : next(p);
}

RangeBlocks::Position RangeBlocks::next(Position p) const {
    const Branch& branch = *branches_[p.branch];
    if (++p.slot < branch.leaf[p.leaf]->count) return p;
    p.slot = 0;
    if (++p.leaf < branch.count) return p;
    return {p.branch + 1, 0, 0};
}

RangeBlocks::Position RangeBlocks::previous(Position p) const {
    if (p.slot > 0) return {p.branch, p.leaf, p.slot - 1};
    if (p.leaf == 0) {
        --p.branch;
        p.leaf = branches_[p.branch]->count;
    }
    --p.leaf;
    return {p.branch, p.leaf, branches_[p.branch]->leaf[p.leaf]->count - 1};
}

void RangeBlocks::update_first(std::uint32_t b, std::uint32_t l) {
    Branch& branch = *branches_[b];
    branch.first[l] = branch.leaf[l]->range[0].begin();
    if (l == 0) first_[b] = branch.first[0];
}

void RangeBlocks::splice(Position p, std::size_t erase_count, std::span<const LineRange> insert) {
    if (!is_end(p)) {
        Leaf& leaf = *branches_[p.branch]->leaf[p.leaf];
        const std::size_t count = leaf.count - erase_count + insert.size();
        // The common case: everything happens in one block, and something stays in it.
        if (p.slot + erase_count <= leaf.count && count >= 1 && count <= kLeafRanges) {
            LineRange* at = leaf.range + p.slot;
            if (insert.size() <= erase_count) {
                std::copy(insert.begin(), insert.end(), at);
                std::copy(at + erase_count, leaf.range + leaf.count, at + insert.size());
            } else {
                std::copy_backward(at + erase_count, leaf.range + leaf.count, leaf.range + count);
                std::copy(insert.begin(), insert.end(), at);
            }
            leaf.count = static_cast<std::uint32_t>(count);
            size_ += insert.size();
            size_ -= erase_count;
            if (p.slot == 0) update_first(p.branch, p.leaf);
            if (insert.size() < erase_count) join_if_small(p.branch, p.leaf);
            return;
        }
    }
    erase(p, erase_count);
    for (const LineRange& range : insert) insert_one(range);
}

void RangeBlocks::erase(Position p, std::size_t n) {
    if (n == 0) return;
    const std::uint64_t from = at(p).begin();
    size_ -= n;
    while (n > 0) {
        Leaf& leaf = *branches_[p.branch]->leaf[p.leaf];
        const std::size_t k = std::min<std::size_t>(n, leaf.count - p.slot);
        std::copy(leaf.range + p.slot + k, leaf.range + leaf.count, leaf.range + p.slot);
        leaf.count -= static_cast<std::uint32_t>(k);
        n -= k;
        if (leaf.count == 0) {
            const bool last_leaf = p.leaf + 1 == branches_[p.branch]->count;
            const bool branch_goes = branches_[p.branch]->count == 1;
            remove_leaf(p.branch, p.leaf);
            if (branch_goes)
                p.leaf = 0;  // the following branch has moved here
            else if (last_leaf)
                p = {p.branch + 1, 0, 0};
            p.slot = 0;
        } else {
            if (p.slot == 0) update_first(p.branch, p.leaf);
            if (n > 0)
                p = p.leaf + 1 < branches_[p.branch]->count ? Position{p.branch, p.leaf + 1, 0}
                                                            : Position{p.branch + 1, 0, 0};
        }
    }
    // The blocks on both sides of the gap may have become small.
    const Position right = first_ending_after(from);
    if (!is_end(right)) join_if_small(right.branch, right.leaf);
    const Position after = first_ending_after(from);
    if (after != begin() && !branches_.empty()) {
        const Position left = previous(after);
        join_if_small(left.branch, left.leaf);
    }
}

void RangeBlocks::insert_one(const LineRange& range) {
    ++size_;
    if (branches_.empty()) {
        branches_.push_back(std::make_unique<Branch>());
        first_.push_back(range.begin());
        auto leaf = std::make_unique<Leaf>();
        leaf->range[0] = range;
        leaf->count = 1;
        insert_leaf(0, 0, std::move(leaf));
        return;
    }
    Position p = first_ending_after(range.begin());
    if (p != begin() && (is_end(p) || p.slot == 0)) {
        p = previous(p);  // between two blocks: append to the left one
        ++p.slot;
    }
    Leaf* leaf = branches_[p.branch]->leaf[p.leaf].get();
    if (leaf->count == kLeafRanges) {
        auto right = std::make_unique<Leaf>();
        // Rising insertion leaves full blocks behind; anything else halves the block.
        const std::uint32_t keep = p.slot == kLeafRanges ? kLeafRanges : kLeafRanges / 2;
        std::copy(leaf->range + keep, leaf->range + leaf->count, right->range);
        right->count = leaf->count - keep;
        leaf->count = keep;
        const bool goes_right = p.slot > keep || keep == kLeafRanges;
        Leaf* const target = goes_right ? right.get() : leaf;
        const std::uint32_t slot = goes_right ? p.slot - keep : p.slot;
        std::copy_backward(target->range + slot, target->range + target->count,
                           target->range + target->count + 1);
        target->range[slot] = range;
        ++target->count;
        update_first(p.branch, p.leaf);
        insert_leaf(p.branch, p.leaf + 1, std::move(right));
        return;
    }
    std::copy_backward(leaf->range + p.slot, leaf->range + leaf->count,
                       leaf->range + leaf->count + 1);
    leaf->range[p.slot] = range;
    ++leaf->count;
    if (p.slot == 0) update_first(p.branch, p.leaf);
}

void RangeBlocks::insert_leaf(std::uint32_t b, std::uint32_t at, std::unique_ptr<Leaf> leaf) {
    Branch* branch = branches_[b].get();
    if (branch->count == kBranchLeaves) {
        auto right = std::make_unique<Branch>();
        const std::uint32_t keep = at == kBranchLeaves ? kBranchLeaves - 1 : kBranchLeaves / 2;
        for (std::uint32_t i = keep; i < branch->count; ++i) {
            right->first[i - keep] = branch->first[i];
            right->leaf[i - keep] = std::move(branch->leaf[i]);
        }
        right->count = branch->count - keep;
        branch->count = keep;
        first_.insert(first_.begin() + b + 1, right->first[0]);
        branches_.insert(branches_.begin() + b + 1, std::move(right));
        if (at > keep) {
            at -= keep;
            ++b;
        }
        branch = branches_[b].get();
    }
    for (std::uint32_t i = branch->count; i > at; --i) {
        branch->first[i] = branch->first[i - 1];
        branch->leaf[i] = std::move(branch->leaf[i - 1]);
    }
    branch->leaf[at] = std::move(leaf);
    ++branch->count;
    ++leaves_;
    update_first(b, at);
}

void RangeBlocks::remove_leaf(std::uint32_t b, std::uint32_t at) {
    Branch& branch = *branches_[b];
    --leaves_;
    for (std::uint32_t i = at + 1; i < branch.count; ++i) {
        branch.first[i - 1] = branch.first[i];
        branch.leaf[i - 1] = std::move(branch.leaf[i]);
    }
    branch.leaf[--branch.count].reset();
    if (branch.count == 0) {
        branches_.erase(branches_.begin() + b);
        first_.erase(first_.begin() + b);
    } else if (at == 0) {
        first_[b] = branch.first[0];
    }
}

void RangeBlocks::join_if_small(std::uint32_t b, std::uint32_t l) {
    Branch& branch = *branches_[b];
    if (branch.leaf[l]->count <= kLeafRanges / 4) {
        if (l == 0 || !join_leaves(branch, l - 1)) {
            if (l + 1 < branch.count) join_leaves(branch, l);
        }
    }
    join_branch_if_small(b);
}

/// Moves the content of leaf left + 1 into `left` when the result is at most three quarters full.
bool RangeBlocks::join_leaves(Branch& branch, std::uint32_t left) {
    Leaf& to = *branch.leaf[left];
    const Leaf& from = *branch.leaf[left + 1];
    if (to.count + from.count > kLeafRanges * 3 / 4) return false;
    std::copy(from.range, from.range + from.count, to.range + to.count);
    to.count += from.count;
    --leaves_;
    for (std::uint32_t i = left + 2; i < branch.count; ++i) {
        branch.first[i - 1] = branch.first[i];
        branch.leaf[i - 1] = std::move(branch.leaf[i]);
    }
    branch.leaf[--branch.count].reset();
    return true;
}

void RangeBlocks::join_branch_if_small(std::uint32_t b) {
    if (branches_[b]->count > kBranchLeaves / 4) return;
    if (b > 0 && join_branches(b - 1)) return;
    if (b + 1 < branches_.size()) join_branches(b);
}

bool RangeBlocks::join_branches(std::uint32_t left) {
    Branch& to = *branches_[left];
    Branch& from = *branches_[left + 1];
    if (to.count + from.count > kBranchLeaves * 3 / 4) return false;
    for (std::uint32_t i = 0; i < from.count; ++i) {
        to.first[to.count] = from.first[i];
        to.leaf[to.count++] = std::move(from.leaf[i]);
    }
    branches_.erase(branches_.begin() + left + 1);
    first_.erase(first_.begin() + left + 1);
    return true;
}

void RangeBlocks::assign(std::span<const LineRange> ranges) {
    // A little room in every block, so that the first changes do not split each of them.
    constexpr std::size_t kFill = kLeafRanges - 5;
    constexpr std::size_t kBranchFill = kBranchLeaves - 5;
    first_.clear();
    branches_.clear();
    leaves_ = 0;
    size_ = ranges.size();
    while (!ranges.empty()) {
        auto branch = std::make_unique<Branch>();
        while (!ranges.empty() && branch->count < kBranchFill) {
            const auto part = ranges.first(std::min(kFill, ranges.size()));
            ranges = ranges.subspan(part.size());
            auto leaf = std::make_unique<Leaf>();
            std::copy(part.begin(), part.end(), leaf->range);
            leaf->count = static_cast<std::uint32_t>(part.size());
            branch->first[branch->count] = part.front().begin();
            branch->leaf[branch->count++] = std::move(leaf);
            ++leaves_;
        }
        first_.push_back(branch->first[0]);
        branches_.push_back(std::move(branch));
    }
}

void RangeBlocks::check() const {
    MCEMU_ASSERT(first_.size() == branches_.size(), std::to_string(first_.size()));
    std::size_t ranges = 0, leaves = 0;
    std::uint64_t end = 0;
    for (std::size_t b = 0; b < branches_.size(); ++b) {
        const Branch& branch = *branches_[b];
        MCEMU_ASSERT(branch.count >= 1 && branch.count <= kBranchLeaves,
                     std::to_string(branch.count));
        MCEMU_ASSERT(first_[b] == branch.first[0], "branch " + std::to_string(b));
        for (std::uint32_t l = 0; l < branch.count; ++l, ++leaves) {
            const Leaf& leaf = *branch.leaf[l];
            MCEMU_ASSERT(leaf.count >= 1 && leaf.count <= kLeafRanges, std::to_string(leaf.count));
            MCEMU_ASSERT(branch.first[l] == leaf.range[0].begin(), "leaf " + std::to_string(l));
            for (std::uint32_t s = 0; s < leaf.count; ++s, ++ranges) {
                const LineRange& r = leaf.range[s];
                MCEMU_ASSERT(r.lines() > 0, "line " + std::to_string(r.begin()));
                MCEMU_ASSERT(r.begin() >= end, "line " + std::to_string(r.begin()));
                end = r.end();
            }
        }
    }
    MCEMU_ASSERT(ranges == size_, std::to_string(ranges) + " ranges");
    MCEMU_ASSERT(leaves == leaves_, std::to_string(leaves) + " leaves");
}

}  // namespace mcemu::pmem

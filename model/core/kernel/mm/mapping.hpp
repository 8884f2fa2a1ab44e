#pragma once  // struct address_space: what a file, a device or anonymous memory is made of.
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/config.hpp"
#include "core/flow.hpp"
#include "core/kernel/mm/range_map.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

struct Vma;

/// The VMAs of one Mapping, found by page index in O(log n + found). A treap ordered by
/// (first index, sequence), each node with the last index of its subtree; the priorities come
/// from the sequence number, so the shape is the same in every run.
/// The kernel's is mm/interval_tree.c.
class VmaTree {
public:
    VmaTree() = default;
    VmaTree(const VmaTree&) = delete;
    VmaTree& operator=(const VmaTree&) = delete;
    ~VmaTree();

    void insert(Vma& vma);
    void erase(Vma& vma);
    bool empty() const { return root_ == nullptr; }
    std::size_t size() const { return size_; }

    /// Calls f(Vma&) for every VMA that maps an index of [first, last], in tree order, until f
    /// returns false. f must not change the tree.
    template <class F>
    void for_each(std::uint64_t first, std::uint64_t last, F&& f) const {
        visit(root_, first, last, f);
    }

private:
    struct Node {
        Vma* vma;
        std::uint64_t first, last;  // page indices, inclusive
        std::uint64_t sequence, priority;
        std::uint64_t subtree_last;
        Node* left = nullptr;
        Node* right = nullptr;
    };
    template <class F>
    static bool visit(const Node* n, std::uint64_t first, std::uint64_t last, F& f) {
        if (!n || n->subtree_last < first) return true;
        if (!visit(n->left, first, last, f)) return false;
        if (n->first > last) return true;
        if (n->last >= first && !f(*n->vma)) return false;
        return visit(n->right, first, last, f);
    }
    static void refresh(Node* n);
    static bool less(const Node* a, std::uint64_t first, std::uint64_t sequence) {
        return a->first != first ? a->first < first : a->sequence < sequence;
    }
    static void split(Node* n, std::uint64_t first, std::uint64_t sequence, Node*& left,
                      Node*& right);
    static Node* merge(Node* a, Node* b);
    static Node* insert_at(Node* n, Node* fresh);
    static Node* erase_at(Node* n, std::uint64_t first, std::uint64_t sequence);

    Node* root_ = nullptr;
    std::size_t size_ = 0;
};

/// A run of the page cache: index -> pfn.
struct CacheRun {
    std::uint64_t pfn = 0;
    CacheRun advanced(std::uint64_t by) const { return {pfn + by}; }
};
/// A run of DAX radix-tree entries of one size (kernel.md 5.2).
struct DaxRun {
    std::uint8_t shift = kPageShift;
    DaxRun advanced(std::uint64_t) const { return *this; }
};

/// What a process knows of a file through its descriptor; fork() shares it.
struct OpenFile {
    std::uint32_t errors = 0;  ///< f_wb_err: Mapping::errors as of the last report
};

/// One struct address_space or anon_vma.
struct Mapping {
    MapKind kind = MapKind::anon;
    int of = -1;  ///< devdax: namespace, fsdax and file: file; else -1
    VmaTree vmas;
    RangeMap<CacheRun> cache;  ///< file, shmem, shared hugetlb: by index
    RangeMap<DaxRun> entries;  ///< fsdax: by index
    /// DAX entries that somebody holds, by first index of the entry.
    std::map<std::uint64_t, WaitQueue> locked;
    /// wb_err: errors that somebody has seen, and one more when the last was not (lib/errseq.c).
    std::uint32_t errors = 0;
    bool error_seen = true;
    /// mapping_set_error(-EIO).
    void set_error() {
        if (error_seen) ++errors;
        error_seen = false;
    }
    /// Frames that a scenario wants its pages to have when they come into being ("at").
    struct Pin {
        std::uint64_t index, pages, pfn;
    };
    std::vector<Pin> pins;

    bool is_dax() const { return kind == MapKind::devdax || kind == MapKind::fsdax; }
    /// Index that stands for the whole entry which covers `index`, as its lock is keyed.
    std::uint64_t entry_key(std::uint64_t index) const {
        const auto run = entries.find(index);
        const unsigned shift = run ? run->value.shift : kPageShift;
        return round_down(index, 1ull << (shift - kPageShift));
    }
};

}  // namespace mcemu::kernel

#include "core/kernel/mm/mapping.hpp"

#include <algorithm>

#include "core/kernel/mm/address_space.hpp"

namespace mcemu::kernel {
namespace {

/// SplitMix64's finaliser: spreads rising sequence numbers, so that the treap stays balanced.
std::uint64_t spread(std::uint64_t x) {
    x = (x + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    x ^= x >> 30;
    x *= 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

}  // namespace

VmaTree::~VmaTree() {
    // Not recursive: the depth is O(log n) only as expected, and this runs in destructors.
    std::vector<Node*> open;
    if (root_) open.push_back(root_);
    while (!open.empty()) {
        Node* n = open.back();
        open.pop_back();
        if (n->left) open.push_back(n->left);
        if (n->right) open.push_back(n->right);
        delete n;
    }
}

void VmaTree::refresh(Node* n) {
    n->subtree_last = n->last;
    if (n->left) n->subtree_last = std::max(n->subtree_last, n->left->subtree_last);
    if (n->right) n->subtree_last = std::max(n->subtree_last, n->right->subtree_last);
}

void VmaTree::split(Node* n, std::uint64_t first, std::uint64_t sequence, Node*& left,
                    Node*& right) {
    if (!n) {
        left = right = nullptr;
    } else if (less(n, first, sequence)) {
        split(n->right, first, sequence, n->right, right);
        left = n;
        refresh(n);
    } else {
        split(n->left, first, sequence, left, n->left);
        right = n;
        refresh(n);
    }
}

VmaTree::Node* VmaTree::merge(Node* a, Node* b) {
    if (!a) return b;
    if (!b) return a;
    if (a->priority > b->priority) {
        a->right = merge(a->right, b);
        refresh(a);
        return a;
    }
    b->left = merge(a, b->left);
    refresh(b);
    return b;
}

VmaTree::Node* VmaTree::insert_at(Node* n, Node* fresh) {
    if (!n || fresh->priority > n->priority) {
        split(n, fresh->first, fresh->sequence, fresh->left, fresh->right);
        refresh(fresh);
        return fresh;
    }
    if (less(n, fresh->first, fresh->sequence))
        n->right = insert_at(n->right, fresh);
    else
        n->left = insert_at(n->left, fresh);
    refresh(n);
    return n;
}

VmaTree::Node* VmaTree::erase_at(Node* n, std::uint64_t first, std::uint64_t sequence) {
    if (!n) return nullptr;
    if (n->first == first && n->sequence == sequence) {
        Node* rest = merge(n->left, n->right);
        delete n;
        return rest;
    }
    if (less(n, first, sequence))
        n->right = erase_at(n->right, first, sequence);
    else
        n->left = erase_at(n->left, first, sequence);
    refresh(n);
    return n;
}

void VmaTree::insert(Vma& vma) {
    auto* fresh = new Node{
        &vma, vma.pgoff, vma.last_index(), vma.sequence, spread(vma.sequence), vma.last_index()};
    root_ = insert_at(root_, fresh);
    ++size_;
}

void VmaTree::erase(Vma& vma) {
    root_ = erase_at(root_, vma.pgoff, vma.sequence);
    --size_;
}

}  // namespace mcemu::kernel

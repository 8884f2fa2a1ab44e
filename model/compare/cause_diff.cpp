#include "compare/cause_diff.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "compare/timeless.hpp"

namespace mcemu::compare {
namespace {

constexpr std::size_t kNone = Divergence::kNone;

/// A trace as a tree: what each step set off, by place in the trace.
class Tree {
public:
    explicit Tree(const std::vector<Step>& steps) : steps_(steps), children_(steps.size()) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const std::size_t cause = find(steps[i].cause, i);
            if (cause == kNone) roots_.push_back(i);
            else children_[cause].push_back(i);
        }
    }
    const std::vector<std::size_t>& below(std::size_t index) const {
        return index == kNone ? roots_ : children_[index];
    }
    const std::vector<Step>& steps() const { return steps_; }

private:
    /// The place of record `id`, before `before`; kNone: none, or a trace that lost its beginning.
    std::size_t find(std::uint32_t id, std::size_t before) const {
        if (id == 0) return kNone;
        const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(before);
        const auto it = std::lower_bound(steps_.begin(), end, id,
                                         [](const Step& s, std::uint32_t i) { return s.id < i; });
        return it == end || it->id != id ? kNone : static_cast<std::size_t>(it - steps_.begin());
    }
    const std::vector<Step>& steps_;
    std::vector<std::size_t> roots_;
    std::vector<std::vector<std::size_t>> children_;
};

/// A line of the log that differs in the time-stamp counter alone comes at another time: told so.
std::string exactly(const Step& s) {
    return s.kind + '\n' + (s.kind == "log_line" ? without_times(s.what) : s.what);
}
std::string roughly(const Step& s) { return s.kind + '\n' + s.about; }
std::string by_kind(const Step& s) { return s.kind; }

struct Pairing {
    std::vector<std::pair<std::size_t, std::size_t>> exact, other_values;
    std::vector<std::size_t> only_a, only_b;
};

/// Takes from `left_a` and `left_b` what has the same key, in order of appearance.
template <class Key>
void pair_by(const Tree& a, const Tree& b, std::vector<std::size_t>& left_a,
             std::vector<std::size_t>& left_b, Key key,
             std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
    if (left_a.empty() || left_b.empty()) return;
    struct Waiting {
        std::vector<std::size_t> places;
        std::size_t next = 0;
    };
    std::unordered_map<std::string, Waiting> waiting;
    for (const std::size_t j : left_b) waiting[key(b.steps()[j])].places.push_back(j);
    std::vector<std::size_t> rest_a;
    std::vector<std::size_t> taken;
    for (const std::size_t i : left_a) {
        const auto it = waiting.find(key(a.steps()[i]));
        if (it == waiting.end() || it->second.next == it->second.places.size()) {
            rest_a.push_back(i);
            continue;
        }
        const std::size_t j = it->second.places[it->second.next++];
        pairs.emplace_back(i, j);
        taken.push_back(j);
    }
    std::sort(taken.begin(), taken.end());
    std::erase_if(left_b, [&](std::size_t j) {
        return std::binary_search(taken.begin(), taken.end(), j);
    });
    left_a = std::move(rest_a);
}

Pairing pair_up(const Tree& a, const Tree& b, std::size_t above_a, std::size_t above_b) {
    Pairing p;
    p.only_a = a.below(above_a);
    p.only_b = b.below(above_b);
    pair_by(a, b, p.only_a, p.only_b, exactly, p.exact);
    pair_by(a, b, p.only_a, p.only_b, roughly, p.other_values);
    pair_by(a, b, p.only_a, p.only_b, by_kind, p.other_values);
    return p;
}

class Walk {
public:
    Walk(const Tree& a, const Tree& b) : a_(a), b_(b) {}

    CauseDiff run() {
        std::vector<std::pair<std::size_t, std::size_t>> open{{kNone, kNone}};
        while (!open.empty()) {
            const auto [x, y] = open.back();
            open.pop_back();
            const Pairing p = pair_up(a_, b_, x, y);
            for (const std::size_t i : p.only_a) happened(Parting::only_a, i, kNone, x, y);
            for (const std::size_t j : p.only_b) happened(Parting::only_b, kNone, j, x, y);
            for (const auto& [i, j] : p.other_values) happened(Parting::values, i, j, x, y);
            for (const auto& [i, j] : p.exact) {
                compare_times(i, j, x, y);
                same_.emplace_back(i, j);
                open.emplace_back(i, j);
            }
        }
        out_.common = same_.size();
        sort(out_.happened);
        sort(out_.times);
        if (out_.happened.empty() && out_.times.empty()) find_order();
        return std::move(out_);
    }

private:
    std::uint64_t at(const Tree& t, std::size_t i) const {
        return i == kNone ? ~std::uint64_t{0} : t.steps()[i].t_ps;
    }
    Divergence divergence(Parting how, std::size_t i, std::size_t j, std::size_t x,
                          std::size_t y) const {
        return {how, std::min(at(a_, i), at(b_, j)), i, j, x, y};
    }
    void happened(Parting how, std::size_t i, std::size_t j, std::size_t x, std::size_t y) {
        out_.happened.push_back(divergence(how, i, j, x, y));
    }
    void compare_times(std::size_t i, std::size_t j, std::size_t x, std::size_t y) {
        const Step &s = a_.steps()[i], &t = b_.steps()[j];
        const std::uint64_t from_s = x == kNone ? 0 : a_.steps()[x].t_ps;
        const std::uint64_t from_t = y == kNone ? 0 : b_.steps()[y].t_ps;
        if (s.spent_ps != t.spent_ps || s.t_ps - from_s != t.t_ps - from_t)
            out_.times.push_back(divergence(Parting::time, i, j, x, y));
    }
    static void sort(std::vector<Divergence>& list) {
        std::sort(list.begin(), list.end(), [](const Divergence& p, const Divergence& q) {
            if (p.at_ps != q.at_ps) return p.at_ps < q.at_ps;
            const std::size_t i = std::min(p.a, p.b), j = std::min(q.a, q.b);
            return i != j ? i < j : p.how < q.how;
        });
    }
    /// All steps are in both: the first one that another one overtook.
    void find_order() {
        std::sort(same_.begin(), same_.end());
        for (std::size_t k = 1; k < same_.size(); ++k) {
            if (same_[k].second > same_[k - 1].second) continue;
            const auto [i, j] = same_[k];
            out_.order.push_back({Parting::order, at(a_, i), same_[k - 1].first, j, kNone, kNone});
            return;
        }
    }

    const Tree &a_, &b_;
    CauseDiff out_;
    std::vector<std::pair<std::size_t, std::size_t>> same_;
};

}  // namespace

const Divergence* CauseDiff::first() const {
    const Divergence* best = nullptr;
    for (const auto* list : {&happened, &times, &order})
        if (!list->empty() && (!best || list->front().at_ps < best->at_ps)) best = &list->front();
    return best;
}

CauseDiff diff_causes(const std::vector<Step>& a, const std::vector<Step>& b) {
    const Tree x(a), y(b);
    return Walk(x, y).run();
}

std::vector<std::size_t> chain(const std::vector<Step>& steps, std::size_t index) {
    constexpr std::string_view kSmall[] = {"phase",        "log_line",  "lock_wait",
                                           "bank_cleared", "tlb_flush", "cache_flush"};
    std::vector<std::size_t> out;
    for (std::size_t i = index; i != kNone && i < steps.size();) {
        const bool small = std::find(std::begin(kSmall), std::end(kSmall), steps[i].kind) !=
                           std::end(kSmall);
        if (!small || i == index) out.push_back(i);
        if (steps[i].cause == 0) break;
        const auto end = steps.begin() + static_cast<std::ptrdiff_t>(i);
        const auto it =
            std::lower_bound(steps.begin(), end, steps[i].cause,
                             [](const Step& s, std::uint32_t id) { return s.id < id; });
        if (it == end || it->id != steps[i].cause) break;
        i = static_cast<std::size_t>(it - steps.begin());
    }
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace mcemu::compare

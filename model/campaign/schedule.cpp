#include "campaign/schedule.hpp"

#include <algorithm>

#include "campaign/statistics.hpp"

namespace mcemu::campaign {

Schedule::Schedule(const Plan& plan, const Database* done)
    : campaign_(plan.campaign()), cells_(plan.cells()) {
    const auto& stop = campaign_.stop;
    if (stop) {
        for (std::size_t i = 0; i < campaign_.classes.size(); ++i)
            if (campaign_.classes[i].name == stop->of_class) stop_class_ = static_cast<int>(i);
        for (std::size_t i = 0; i < campaign_.measures.size(); ++i)
            if (campaign_.measures[i].name == stop->of_measure) stop_measure_ = static_cast<int>(i);
    }
    for (CellState& c : cells_) c.target = stop ? stop->at_least : campaign_.runs;
    std::vector<Piece> made;
    if (done) {
        made = done->pieces();
        if (!made.empty() && made.back().cell >= cells_.size())
            throw BadDatabase(done->path() + ": the database is damaged: it has runs of other cells");
        if (stop) {
            // By (cell, run), as they would have come from one process.
            const auto cursor = done->runs_of();
            while (const RunRecord* r = cursor->next()) {
                CellState& c = cells_[r->id.cell];
                ++c.done;
                count(*r, c);
                while (c.done == c.target && grow(c)) {
                }
            }
        } else {
            for (const Piece& p : made) cells_[p.cell].done += p.end - p.first;
        }
    }
    auto piece = made.begin();
    for (std::uint64_t cell = 0; cell < cells_.size(); ++cell) {
        done_ += cells_[cell].done;
        planned_ += std::max(cells_[cell].target, cells_[cell].done);
        std::uint64_t at = 0;
        for (; piece != made.end() && piece->cell == cell; ++piece) {
            if (piece->first > at) pending_.push_back({cell, at, std::min(piece->first, cells_[cell].target)});
            at = piece->end;
        }
        if (at < cells_[cell].target) pending_.push_back({cell, at, cells_[cell].target});
    }
    std::erase_if(pending_, [](const Piece& p) { return p.first >= p.end; });
}

void Schedule::keep_shard(std::uint64_t index, std::uint64_t count) {
    sharded_ = true;
    std::uint64_t total = 0;
    for (const Piece& p : pending_) total += p.end - p.first;
    const auto bound = [&](std::uint64_t i) {
        // total * i / count, which would not fit
        return total / count * i + total % count * i / count;
    };
    const std::uint64_t first = bound(index - 1), end = bound(index);
    std::deque<Piece> kept;
    std::uint64_t at = 0;
    for (const Piece& p : pending_) {
        const std::uint64_t size = p.end - p.first;
        const std::uint64_t from = std::max(at, first), to = std::min(at + size, end);
        if (from < to) kept.push_back({p.cell, p.first + (from - at), p.first + (to - at)});
        at += size;
    }
    pending_ = std::move(kept);
    done_ = 0;
    planned_ = end - first;
}

Piece Schedule::next(std::uint64_t most) {
    if (pending_.empty()) return {};
    Piece& front = pending_.front();
    Piece out = front;
    if (out.end - out.first > most) {
        out.end = out.first + most;
        front.first = out.end;
    } else {
        pending_.pop_front();
    }
    return out;
}

void Schedule::add(const RunRecord& record) {
    CellState& c = cells_[record.id.cell];
    ++c.done;
    ++done_;
    if (sharded_ || !campaign_.stop) return;
    count(record, c);
    if (c.done != c.target) return;
    const std::uint64_t before = c.target;
    if (!grow(c)) return;
    planned_ += c.target - before;
    pending_.push_back({record.id.cell, before, c.target});
}

void Schedule::count(const RunRecord& record, CellState& cell) const {
    if (stop_measure_ >= 0) {
        const auto& d = record.durations[static_cast<std::size_t>(stop_measure_)];
        if (d) cell.durations.push_back(d->ps);
        return;
    }
    if (!record.failure.empty() || record.of_class == "not-effective") return;
    ++cell.trials;
    const bool hit = stop_class_ >= 0 ? record.user_class == stop_class_
                                      : record.of_class == campaign_.stop->of_class;
    if (hit) ++cell.hits;
}

bool Schedule::enough(const CellState& cell) const {
    const scenario::CampaignStop& stop = *campaign_.stop;
    if (stop_measure_ < 0)
        return cell.trials > 0 &&
               clopper_pearson(cell.hits, cell.trials, campaign_.confidence).half() <= stop.within;
    if (cell.durations.empty()) return false;
    std::vector<std::uint64_t> sorted = cell.durations;
    std::sort(sorted.begin(), sorted.end());
    const Quantile q = quantile(sorted, stop.quantile, campaign_.confidence);
    if (!q.low || !q.high) return false;
    return static_cast<double>(*q.high - *q.low) / 2 <= stop.within * static_cast<double>(q.value);
}

/// Raises the target of a cell whose runs are all there; false: it has had enough.
bool Schedule::grow(CellState& cell) const {
    if (!campaign_.stop || cell.target >= campaign_.stop->at_most || enough(cell)) return false;
    cell.target = std::min(campaign_.stop->at_most, cell.target + (cell.target + 1) / 2);
    return true;
}

}  // namespace mcemu::campaign

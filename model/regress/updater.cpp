#include "regress/updater.hpp"

#include <utility>

#include "output/atomic_file.hpp"
#include "regress/difference.hpp"
#include "regress/update.hpp"

namespace mcemu::regress {

void Updater::outcome(const Job& job, const Outcome& outcome) {
    if (job.file != file_) {
        write();
        file_ = job.file;
        cells_ = job.cells;
        wanting_ = failed_ = 0;
        edits_.reset();
        why_not_.clear();
    }
    if (outcome.status != Status::failed) return;
    ++failed_;
    if (!outcome.no_edit.empty()) {
        why_not_ = outcome.no_edit;
    } else if (edits_ && *edits_ != outcome.edits) {
        why_not_ = "the combinations of its matrix want different expectations";
    } else {
        edits_ = outcome.edits;
        ++wanting_;
    }
}

void Updater::write() {
    if (failed_ == 0) return;
    if (why_not_.empty() && wanting_ != cells_)
        why_not_ = "not all combinations of its matrix want it";
    scenario::ReadText read;
    if (why_not_.empty()) {
        read = scenario::read_file(file_);
        if (!read.text) why_not_ = read.error;
    }
    if (!why_not_.empty() || edits_->empty()) {
        say_("not updated: " + file_ + ": " +
             (why_not_.empty() ? "there is nothing to change" : why_not_) + "\n");
        refused_ += failed_;
        return;
    }
    const std::string after = edited(*read.text, *edits_);
    say_(difference(file_, *read.text, after));
    output::write_file(file_, after);
    ++changed_;
}

void Updater::end() {
    write();
    failed_ = 0;
}

}  // namespace mcemu::regress

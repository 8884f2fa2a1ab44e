#include "regress/source.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "regress/outcome.hpp"

namespace mcemu::regress {
namespace {

bool matches(const std::string& glob, const std::string& text) {
    return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

std::string Job::title() const {
    if (cell.empty()) return file;
    std::string out = file + " [";
    for (const std::string& word : scenario::cell_words(cell))
        out += (out.back() == '[' ? "" : " ") + word;
    return out + "]";
}

Source::Source(Selection selection) : selection_(std::move(selection)) {
    for (const std::string& path : selection_.paths) {
        std::error_code error;
        if (!std::filesystem::exists(path, error))
            throw std::invalid_argument(path + ": there is no such file or folder");
    }
}

std::optional<std::string> Source::next_path() {
    while (true) {
        if (walk_) {
            if (auto path = walk_->next()) return path;
            walk_.reset();
        }
        if (next_root_ == selection_.paths.size()) return std::nullopt;
        const std::string& root = selection_.paths[next_root_++];
        std::error_code ignored;
        named_ = !std::filesystem::is_directory(root, ignored);
        if (named_) return root;
        walk_.emplace(root);
    }
}

bool Source::open_next() {
    draft_.reset();
    problem_.clear();
    cell_ = 0;
    cells_ = 1;
    while (true) {
        try {
            const auto path = next_path();
            if (!path) return false;
            file_ = *path;
        } catch (const std::system_error& error) {
            // The folder stands where its first scenario would.
            file_ = error.what();
            file_.resize(std::min(file_.find(": "), file_.size()));
            problem_ = file_ + ": cannot be read: " + error.code().message();
            return true;
        }
        auto draft = std::make_shared<scenario::Draft>(file_, scenario::LoadOptions{});
        if (!named_ && draft->kind() != scenario::Draft::Kind::scenario) {
            ++passed_over_;
            continue;
        }
        cells_ = draft->matrix().cells();
        if (cells_ > 1) draft->check_matrix();
        Crc64 crc;
        for (const std::string_view text : draft->texts()) crc.add(text);
        texts_ = crc.value();
        draft_ = std::move(draft);
        return true;
    }
}

bool Source::wanted(const Job& job) const {
    const auto& filters = selection_.filters;
    const auto any_tag = [&] {
        // What cannot be read has no tags to be left out by.
        if (!job.draft || !job.draft->legible()) return true;
        for (const std::string& tag : job.draft->tags())
            if (std::find(selection_.tags.begin(), selection_.tags.end(), tag) !=
                selection_.tags.end())
                return true;
        return false;
    };
    if (!selection_.tags.empty() && !any_tag()) return false;
    return filters.empty() || std::any_of(filters.begin(), filters.end(), [&](const auto& glob) {
               return matches(glob, job.file) || matches(glob, job.name) ||
                      (!job.cell.empty() && matches(glob, job.title()));
           });
}

bool Source::any() {
    if (!ahead_) ahead_ = find();
    return ahead_.has_value();
}

std::optional<Job> Source::next() { return ahead_ ? std::exchange(ahead_, std::nullopt) : find(); }

std::optional<Job> Source::find() {
    while (true) {
        if (cell_ == cells_ && !open_next()) {
            cell_ = cells_ = 0;
            return std::nullopt;
        }
        Job job{.file = file_, .draft = draft_, .texts = texts_, .cells = cells_, .problem = problem_};
        if (draft_ && !draft_->matrix().axes.empty()) job.cell = draft_->matrix().cell(cell_);
        ++cell_;
        job.name = draft_ ? draft_->name() : "";
        if (job.name.empty()) job.name = std::filesystem::path(job.file).stem().string();
        if (!wanted(job)) {
            ++left_out_;
            continue;
        }
        job.number = selected_++;
        if (job.number % selection_.shards != selection_.shard - 1) continue;
        return job;
    }
}

}  // namespace mcemu::regress

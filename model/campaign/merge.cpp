#include <algorithm>
#include <filesystem>

#include "campaign/cluster.hpp"
#include "campaign/database.hpp"
#include "campaign/schedule.hpp"

namespace mcemu::campaign {
namespace {

namespace fs = std::filesystem;

// Each open database takes file descriptors and a cache.
constexpr std::size_t kAtATime = 64;

class Merger {
public:
    ~Merger() {
        std::error_code ignored;
        for (const std::string& name : temporary_) fs::remove(name, ignored);
    }

    void merge(std::vector<std::string> files, const std::string& output) {
        while (files.size() > kAtATime) {
            std::vector<std::string> next;
            for (std::size_t i = 0; i < files.size(); i += kAtATime) {
                open(files, i, std::min(files.size(), i + kAtATime));
                temporary_.push_back(output + ".merge." + std::to_string(temporary_.size()));
                write_results(temporary_.back(), *plan_, pointers(), false);
                next.push_back(temporary_.back());
            }
            files = std::move(next);
        }
        open(files, 0, files.size());
        if (!plan_->campaign().stop) {
            write_results(output, *plan_, pointers(), has_every_run());
            return;
        }
        const std::string together = output + ".merge";
        temporary_.push_back(together);
        // Whether no run is missing is part of the file, and with a stop rule known when they are
        // together.
        write_results(together, *plan_, pointers(), false);
        const bool complete = [&] {
            const Database all(together, Database::Mode::read);
            return Schedule(*plan_, &all).complete();
        }();
        if (complete)
            write_results(output, *plan_, pointers(), true);
        else
            fs::rename(together, output);
    }

private:
    /// Of a campaign whose cells have each as many runs as the plan says: no need to read them.
    bool has_every_run() const {
        std::vector<Piece> all;
        for (const auto& d : open_) {
            const std::vector<Piece> some = d->pieces();
            all.insert(all.end(), some.begin(), some.end());
        }
        std::sort(all.begin(), all.end(), [](const Piece& a, const Piece& b) {
            return a.cell != b.cell ? a.cell < b.cell : a.first < b.first;
        });
        std::uint64_t cell = 0, next = 0;  // the first run that has not been seen
        for (const Piece& p : all) {
            while (cell < p.cell && next >= plan_->campaign().runs) ++cell, next = 0;
            if (cell != p.cell || p.first > next) return false;
            next = std::max(next, p.end);
        }
        return cell + 1 == plan_->cells() && next >= plan_->campaign().runs;
    }
    void open(const std::vector<std::string>& files, std::size_t begin, std::size_t end) {
        open_.clear();
        for (std::size_t i = begin; i < end; ++i) {
            auto database = std::make_unique<Database>(files[i], Database::Mode::read);
            auto plan = plan_of(*database);
            if (!plan_) {
                plan_ = plan;
                first_ = files[i];
            } else if (plan_->files() != plan->files()) {
                throw BadDatabase(files[i] + ": it is of another campaign than " + first_);
            }
            open_.push_back(std::move(database));
        }
    }
    std::vector<const Database*> pointers() const {
        std::vector<const Database*> out;
        for (const auto& d : open_) out.push_back(d.get());
        return out;
    }

    std::shared_ptr<Plan> plan_;
    std::string first_;
    std::vector<std::string> temporary_;
    std::vector<std::unique_ptr<Database>> open_;
};

}  // namespace

void merge_files(std::vector<std::string> files, const std::string& output) {
    Merger().merge(std::move(files), output);
}

}  // namespace mcemu::campaign

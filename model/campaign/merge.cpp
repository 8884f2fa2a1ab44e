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
        const std::string together = output + ".merge";
        temporary_.push_back(together);
        // Whether no run is missing is part of the file, and known when they are together.
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

#include "regress/walk.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace mcemu::regress {
namespace fs = std::filesystem;

Walk::Walk(std::string folder, std::size_t window) : size_(std::max<std::size_t>(window, 1)) {
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    if (folder == ".") folder.clear();
    else if (!folder.ends_with('/')) folder += '/';
    levels_.push_back({std::move(folder), {}});
}

/// The `size_` lowest names behind `level.behind`: a pass over the folder each time. n names take
/// n / size_ passes, so that a folder of 10^5 is read 25 times: less than sorting it on disk.
void Walk::refill(Level& level) {
    std::vector<Entry> lowest;  // a heap, the highest in front
    std::size_t left_out = 0;
    const std::string folder = level.path.empty() ? "." : level.path;
    std::error_code error;
    fs::directory_iterator it(folder, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
        std::string name = it->path().filename().string();
        if (name.empty() || name[0] == '.' || name <= level.behind) continue;
        std::error_code ignored;  // a link that leads nowhere is no folder and no file
        const bool is_folder = !it->is_symlink(ignored) && it->is_directory(ignored);
        if (!is_folder && !(name.ends_with(".json") && it->is_regular_file(ignored))) continue;
        if (lowest.size() == size_) {
            ++left_out;
            if (!(name < lowest.front().name)) continue;
            std::pop_heap(lowest.begin(), lowest.end());
            lowest.pop_back();
        }
        lowest.push_back({std::move(name), is_folder});
        std::push_heap(lowest.begin(), lowest.end());
    }
    if (error) {
        levels_.pop_back();
        throw std::system_error(error, folder);
    }
    std::sort_heap(lowest.begin(), lowest.end());
    std::reverse(lowest.begin(), lowest.end());
    level.last = left_out == 0;
    level.window = std::move(lowest);
}

std::optional<std::string> Walk::next() {
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.window.empty()) {
            if (level.last) {
                levels_.pop_back();
                continue;
            }
            refill(level);
            if (level.window.empty()) {
                levels_.pop_back();
                continue;
            }
        }
        Entry entry = std::move(level.window.back());
        level.window.pop_back();
        level.behind = entry.name;
        std::string path = level.path + entry.name;
        if (!entry.folder) return path;
        levels_.push_back({path + '/', {}});
    }
    return std::nullopt;
}

}  // namespace mcemu::regress

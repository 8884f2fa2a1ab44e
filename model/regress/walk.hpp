#pragma once  // The JSON files below a folder, sorted, whatever their number.
#include <optional>
#include <string>
#include <vector>

namespace mcemu::regress {

/// Files whose names end in ".json", depth first, the entries of a folder by the bytes of their
/// names. Hidden entries and links to folders are left out. Holds one window of names per level:
/// memory does not grow with the folder.
class Walk {
public:
    /// `window`: names that are held per folder.
    explicit Walk(std::string folder, std::size_t window = 4096);

    /// The next path, nullopt at the end. Throws std::system_error, naming the folder, when one
    /// cannot be read; the next call goes on behind it.
    std::optional<std::string> next();

private:
    struct Entry {
        std::string name;
        bool folder;
        bool operator<(const Entry& other) const { return name < other.name; }
    };
    struct Level {
        std::string path;      ///< with the slash
        std::string behind;    ///< all names up to this one were given
        bool last = false;     ///< the window reaches the end
        std::vector<Entry> window{};  ///< the next names, falling
    };
    void refill(Level& level);

    std::size_t size_;
    std::vector<Level> levels_;
};

}  // namespace mcemu::regress

#pragma once  // A folder for one test, gone at its end.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace mcemu::regress {

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "mcemu-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        const std::filesystem::path file = path / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
        return file.string();
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path / name).rdbuf();
        return text.str();
    }

    std::filesystem::path path;
};

/// A scenario that needs nothing and does next to nothing; `more` are further members, with a comma behind.
inline std::string scenario_text(const std::string& name, const std::string& more = "") {
    return R"({"schema": "mcemu/scenario/1", "name": ")" + name + R"(", )" + more +
           R"("events": [{"at": "1us", "do": "sysctl", "name": "memory_failure_early_kill", "value": 0}]})";
}

}  // namespace mcemu::regress

#include "output/atomic_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mcemu::output {
namespace {

namespace fs = std::filesystem;

/// A folder that goes away with the case.
struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "mcemu-test-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    std::string file(const char* name) const { return (path / name).string(); }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
    }
};

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a file appears under its name only when it is whole", "[output][file]") {
    const Folder folder;
    const std::string path = folder.file("result.json");
    AtomicFile file(path);
    file.write("whole");
    CHECK_FALSE(fs::exists(path));
    file.commit();
    CHECK(content(path) == "whole");
    CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is not committed leaves the old one and no other", "[output][file]") {
    const Folder folder;
    const std::string path = folder.file("result.json");
    write_file(path, "old");
    {
        AtomicFile file(path);
        file.write(std::string(200'000, 'x'));
    }
    CHECK(content(path) == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("more than a buffer arrives in order", "[output][file]") {
    const Folder folder;
    const std::string path = folder.file("trace.ndjson");
    std::string wanted;
    AtomicFile file(path);
    for (int i = 0; i < 20'000; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        wanted += line;
        file.write(line);
    }
    const std::string big(300'000, 'b');
    file.write(big);
    file.commit();
    CHECK(content(path) == wanted + big);
}

TEST_CASE("an old file keeps its permissions", "[output][file]") {
    const Folder folder;
    const std::string path = folder.file("shared");
    write_file(path, "old");
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read);
    write_file(path, "new");
    CHECK(fs::status(path).permissions() == (fs::perms::owner_all | fs::perms::group_read));
    CHECK(content(path) == "new");
}

TEST_CASE("through a symbolic link the file behind it is replaced", "[output][file]") {
    const Folder folder;
    write_file(folder.file("real"), "old");
    fs::create_symlink("real", folder.file("link"));
    write_file(folder.file("link"), "new");
    CHECK(fs::is_symlink(folder.file("link")));
    CHECK(content(folder.file("real")) == "new");
}

TEST_CASE("a full device is an output error", "[output][file]") {
    CHECK_THROWS_WITH(write_file("/dev/full", "x"),
                      "cannot write /dev/full: No space left on device");
}

TEST_CASE("a folder that is not there is an output error", "[output][file]") {
    const Folder folder;
    CHECK_THROWS_AS(AtomicFile(folder.file("no/such/folder")), OutputError);
    CHECK_THROWS_AS(AtomicFile(folder.path.string()), OutputError);
}

}  // namespace mcemu::output

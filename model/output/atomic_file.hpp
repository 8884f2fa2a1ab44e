#pragma once  // Output files that are whole or not there; standard output that is checked.
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mcemu::output {

/// An output could not be written: exit status 4.
class OutputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Writes to a temporary name in the file's own folder; commit() makes it durable and renames it.
/// Without commit() the temporary file goes away and the old file stays as it was. "-" is standard
/// output; what is no regular file (a pipe, /dev/null) is written directly.
class AtomicFile {
public:
    /// Throws OutputError when the file cannot be made.
    explicit AtomicFile(std::string path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    /// Throws OutputError (full disk, closed pipe).
    void write(std::string_view bytes);
    void commit();

    bool is_stdout() const { return path_ == "-"; }
    const std::string& path() const { return path_; }

private:
    [[noreturn]] void fail(const char* what);
    void flush();
    void write_out(std::string_view bytes);

    static constexpr std::size_t kBuffer = 64 * 1024;
    std::string path_;
    std::string temporary_;  ///< empty: written directly
    std::string buffer_;
    int fd_ = -1;
};

/// The whole of `bytes` at `path`, or OutputError and the old file as it was.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace mcemu::output

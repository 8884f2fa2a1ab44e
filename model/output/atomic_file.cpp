#include "output/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mcemu::output {

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
    if (is_stdout()) {
        fd_ = STDOUT_FILENO;
        return;
    }
    struct stat status {};
    const bool exists = ::stat(path_.c_str(), &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) {
        fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd_ < 0) fail("open");
        return;
    }
    // Through a symbolic link the file behind it is replaced, not the link.
    std::string target = path_;
    if (exists) {
        if (char* real = ::realpath(path_.c_str(), nullptr)) {
            target = real;
            std::free(real);
        }
    }
    temporary_ = target + ".XXXXXX";
    fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
    if (fd_ < 0) {
        temporary_.clear();
        fail("create");
    }
    // mkostemp makes files for the owner only; a new file gets what open() would have given.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(fd_, exists ? status.st_mode & 07777 : 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
    if (fd_ >= 0 && !is_stdout()) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* what) {
    const int error = errno;
    throw OutputError(std::string("cannot ") + what + " " +
                      (is_stdout() ? std::string("standard output") : path_) + ": " +
                      std::strerror(error));
}

void AtomicFile::write(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kBuffer) flush();
    if (bytes.size() >= kBuffer / 2)
        write_out(bytes);
    else
        buffer_ += bytes;
}

void AtomicFile::flush() {
    write_out(buffer_);
    buffer_.clear();
}

void AtomicFile::write_out(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void AtomicFile::commit() {
    flush();
    if (is_stdout()) return;
    if (temporary_.empty()) {
        const int fd = std::exchange(fd_, -1);
        if (::close(fd) != 0) fail("write");
        return;
    }
    if (::fsync(fd_) != 0) fail("write");
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) fail("write");
    const std::string target = temporary_.substr(0, temporary_.size() - std::strlen(".XXXXXX"));
    if (::rename(temporary_.c_str(), target.c_str()) != 0) fail("rename");
    temporary_.clear();
}

void write_file(const std::string& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

}  // namespace mcemu::output

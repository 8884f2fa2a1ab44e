#include "regress/junit.hpp"

#include <cerrno>
#include <cstring>
#include <pugixml.hpp>
#include <string_view>
#include <utility>

#include "output/result.hpp"
#include "regress/report.hpp"

namespace mcemu::regress {
namespace {

constexpr std::size_t kInMemory = 1 << 20;

struct StringWriter : pugi::xml_writer {
    std::string out;
    void write(const void* data, std::size_t size) override {
        out.append(static_cast<const char*>(data), size);
    }
};

std::string printed(const pugi::xml_node& node, unsigned depth) {
    StringWriter writer;
    node.print(writer, "  ", pugi::format_default, pugi::encoding_utf8, depth);
    return std::move(writer.out);
}

/// The start tag alone of an element that is still without children.
std::string start_tag(const pugi::xml_node& node, unsigned depth) {
    std::string text = printed(node, depth);
    text.replace(text.rfind("/>"), std::string::npos, ">\n");
    if (const std::size_t blank = text.rfind(" >"); blank != std::string::npos)
        text.erase(blank, 1);
    return text;
}

/// Seconds with all digits that a nanosecond has.
std::string seconds(std::uint64_t ns) {
    std::string fraction = std::to_string(ns % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    return std::to_string(ns / 1'000'000'000) + "." + fraction;
}

void set(pugi::xml_node node, const char* name, std::string_view value) {
    node.append_attribute(name).set_value(xml_text(value).c_str());
}

/// How many bytes the UTF-8 sequence at `at` has, when XML allows its character; else 0.
std::size_t xml_character(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> unsigned {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
    };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const unsigned b = byte(0);
    if (b < 0x80) return b >= 0x20 || b == '\t' || b == '\n' ? 1 : 0;
    if (b >= 0xc2 && b < 0xe0) return follows(1) ? 2 : 0;
    if (b >= 0xe0 && b < 0xf0) {
        if (!follows(1) || !follows(2)) return 0;
        const unsigned code = (b & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
        const bool surrogate = code >= 0xd800 && code < 0xe000;
        return code < 0x800 || surrogate || code >= 0xfffe ? 0 : 3;
    }
    if (b >= 0xf0 && b < 0xf5) {
        if (!follows(1) || !follows(2) || !follows(3)) return 0;
        const unsigned code = (b & 7) << 18 | (byte(1) & 0x3f) << 12;
        return code < 0x10000 || code >= 0x110000 ? 0 : 4;
    }
    return 0;
}

}  // namespace

std::string xml_text(std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (const std::size_t n = xml_character(text, at)) {
            out += text.substr(at, n);
            at += n;
            continue;
        }
        const auto byte = static_cast<unsigned char>(text[at++]);
        out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
    return out;
}

// ---------------------------------------------------------------- spool

void JUnit::Spool::spill() {
    if (!file_) file_.reset(std::tmpfile());
    if (!file_ || std::fwrite(text_.data(), 1, text_.size(), file_.get()) != text_.size())
        throw output::OutputError(std::string("cannot write a temporary file: ") +
                                  std::strerror(errno));
    // A forked child must not hold bytes that it might write a second time.
    std::fflush(file_.get());
    text_.clear();
}

void JUnit::Spool::add(const std::string& text) {
    text_ += text;
    if (text_.size() > kInMemory) spill();
}

template <class Sink>
void JUnit::Spool::drain(Sink&& sink) {
    if (file_) {
        std::rewind(file_.get());
        std::string block(64 * 1024, '\0');
        while (const std::size_t n = std::fread(block.data(), 1, block.size(), file_.get()))
            sink(block.substr(0, n));
        if (std::ferror(file_.get()))
            throw output::OutputError("cannot read a temporary file back");
        file_.reset();
    }
    sink(text_);
    text_.clear();
}

void JUnit::Spool::move_to(output::AtomicFile& file) {
    drain([&](const std::string& text) { file.write(text); });
}

void JUnit::Spool::move_to(Spool& other) {
    drain([&](const std::string& text) { other.add(text); });
}

// ---------------------------------------------------------------- the document

JUnit::JUnit(const std::string& path, const RunnerOptions& runner) : out_(path), runner_(runner) {}

void JUnit::outcome(const Job& job, const Outcome& outcome) {
    if (job.file != suite_) {
        close_suite();
        suite_ = job.file;
    }
    ++counts_.tests;
    counts_.ns += outcome.end_ns;
    pugi::xml_document document;
    pugi::xml_node node = document.append_child("testcase");
    std::string name = job.name;
    if (!job.cell.empty()) name += job.title().substr(job.file.size());
    set(node, "name", name);
    set(node, "classname", job.file);
    set(node, "time", seconds(outcome.end_ns));
    if (outcome.status != Status::ok) {
        const bool failure =
            outcome.status == Status::failed || outcome.status == Status::differs;
        ++(failure ? counts_.failures : counts_.errors);
        pugi::xml_node child = node.append_child(failure ? "failure" : "error");
        set(child, "message", outcome.wrong.empty() ? word(outcome.status) : outcome.wrong.front());
        set(child, "type", word(outcome.status));
        std::string text;
        for (const std::string& line : explanation(job, outcome, runner_)) text += line + "\n";
        child.text().set(xml_text(text).c_str());
    }
    cases_.add(printed(node, 2));
}

void JUnit::close_suite() {
    if (suite_.empty()) return;
    pugi::xml_document document;
    pugi::xml_node node = document.append_child("testsuite");
    set(node, "name", suite_);
    set(node, "tests", std::to_string(counts_.tests));
    set(node, "failures", std::to_string(counts_.failures));
    set(node, "errors", std::to_string(counts_.errors));
    set(node, "skipped", "0");
    set(node, "time", seconds(counts_.ns));
    suites_.add(start_tag(node, 1));
    cases_.move_to(suites_);
    suites_.add("  </testsuite>\n");
    all_.tests += counts_.tests;
    all_.failures += counts_.failures;
    all_.errors += counts_.errors;
    all_.ns += counts_.ns;
    counts_ = {};
    suite_.clear();
}

void JUnit::end(const std::string& note) {
    close_suite();
    pugi::xml_document document;
    pugi::xml_node node = document.append_child("testsuites");
    set(node, "name", "mcemu regress");
    set(node, "tests", std::to_string(all_.tests));
    set(node, "failures", std::to_string(all_.failures));
    set(node, "errors", std::to_string(all_.errors));
    set(node, "time", seconds(all_.ns));
    out_.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out_.write(start_tag(node, 0));
    if (!note.empty()) {
        pugi::xml_document comment;
        comment.append_child(pugi::node_comment).set_value(xml_text(note).c_str());
        out_.write(printed(comment.first_child(), 1));
    }
    suites_.move_to(out_);
    out_.write("</testsuites>\n");
    out_.commit();
}

}  // namespace mcemu::regress
